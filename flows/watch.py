"""The first night on new code, held in shape against the afternoon that brought it live.

Between an afternoon and a night a day's rows come in, so values differ; what does not happen in a
day is that a tenth of the customers lose an attribute, a channel, or their place in the view. What
moved as far in the nights before, on the code before, is usual: what we send ourselves does so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import duckdb
import sqlalchemy as sa

from flows.builds import live, retention
from flows.distributions import Distribution, lay_beside
from flows.errors import ShapeBroken
from flows.ledger import Ledger, Row, builds
from flows.releases.deploys import latest
from flows.settings import Instance
from flows.standing import Standing

# As shares: of the customers; of a channel's; of an attribute's known values.
MOST_CUSTOMERS, MOST_CONTACTABLE, MOST_KNOWN = 0.05, 0.10, 0.10
# Population stability index: above a quarter a shift is called major. What we send ourselves moves
# by that in a day, so only what is far beyond it counts.
MOST_SHIFT = 1.0
# Of an attribute that moves by itself: so many times the furthest that it went in so many nights.
TIMES, NIGHTS = 2, 7


@dataclass(frozen=True)
class Move:
    """How far an attribute went from one build to the next.

    Args:
        won: the share of the customers of whom it came to be known.
        lost: the share of whom it was known; having been won does not excuse it.
        shift: a stability index.
    """

    won: float = 0.0
    lost: float = 0.0
    shift: float = 0.0


def first_night(instance: Instance, ledger: Ledger) -> Row | None:
    """Return the deploy that brought live what is live now, until a night has followed it."""
    row = latest(ledger)
    is_live = row is not None and row["candidate_id"] == live.current(instance)
    return row if row is not None and is_live and row["state"] == "published" else None


def refuse_another_shape(instance: Instance, ledger: Ledger, deploy: Row, build_id: str) -> None:
    """Hold the night's build against the afternoon's, and throw it away when it breaks its shape.

    Raises:
        ShapeBroken: what moved further than a day can move it.
    """
    afternoon = live.path_of(instance, deploy["candidate_id"])
    found = broken(
        afternoon, live.path_of(instance, build_id), _nights_before(instance, ledger, deploy)
    )
    if not found:
        return
    said = (
        f"The first night on {deploy['release']} has another shape than its afternoon: "
        f"{' '.join(found[:3])} ({len(found)} such.) Nothing is published or sent. By schedule the "
        f"release before builds the night; by hand: scv rollback, then scv run {build_id[:10]}"
    )
    ledger.change(builds, builds.c.build_id == build_id, state="failed", sentence=said)
    retention.remove(instance, build_id)
    raise ShapeBroken(said)


def broken(afternoon: Path, night: Path, nights_before: Sequence[Path] = ()) -> list[str]:
    """Return what moved further between two builds than a day moves it, in sentences.

    Args:
        afternoon: the build that the release brought live.
        night: the first that it built for another day.
        nights_before: builds of successive days on the code before, the oldest first: how far an
            attribute went there, it may go now, and as far again.
    """
    before, after = _standing(afternoon), _standing(night)
    found = _moved("the customers", before.customers, after.customers, MOST_CUSTOMERS)
    for channel, then in (before.channels or {}).items():
        now = (after.channels or {}).get(channel)
        found += _moved(f"those to be reached by {channel}", then, now, MOST_CONTACTABLE)
    usual = _usual([_standing(each) for each in nights_before])
    for then, now in _side_by_side(before, after):
        found += _of_attribute(then, now, usual.get(now.attribute, Move()))
    return found


def _nights_before(instance: Instance, ledger: Ledger, deploy: Row) -> list[Path]:
    """Return what was built of the last days before a deploy, the day of the deploy included."""
    query = sa.select(builds.c.business_date, builds.c.build_id).where(
        builds.c.state == "published",
        builds.c.build_id <= deploy["build_id"],
    )
    # Of a day that was built twice, the last.
    of_day = {
        row["business_date"]: row["build_id"] for row in ledger.rows(query.order_by("build_id"))
    }
    paths = [live.path_of(instance, of_day[day]) for day in sorted(of_day)[-NIGHTS - 1 :]]
    return [path for path in paths if path.is_file()]


def _usual(nights: Sequence[Standing]) -> Mapping[str, Move]:
    """Return the furthest that each attribute went from one night to the next."""
    furthest: dict[str, Move] = defaultdict(Move)
    for before, after in pairwise(nights):
        for then, now in _side_by_side(before, after):
            move, most = _move(then, now), furthest[now.attribute]
            furthest[now.attribute] = Move(
                max(most.won, move.won), max(most.lost, move.lost), max(most.shift, move.shift)
            )
    return furthest


def _side_by_side(before: Standing, after: Standing) -> list[tuple[Distribution, Distribution]]:
    known = {each.attribute: each for each in lay_beside(before.profiles, [])}
    laid = lay_beside(after.profiles, before.profiles)
    return [(known[each.attribute], each) for each in laid if each.attribute in known]


def _move(then: Distribution, now: Distribution) -> Move:
    more = now.known_share - then.known_share
    return Move(max(more, 0.0), max(-more, 0.0), now.shift or 0.0)


def _standing(build: Path) -> Standing:
    with duckdb.connect(str(build), read_only=True) as connection:
        return Standing(connection)


def _moved(whose: str, then: int | None, now: int | None, most: float) -> list[str]:
    if not then or now is None or abs(now - then) <= most * then:
        return []
    return [f"{whose.capitalize()} were {then:,} and are {now:,}."]


def _of_attribute(then: Distribution, now: Distribution, usual: Move) -> list[str]:
    move = _move(then, now)
    if _is_far(move.won, usual.won, MOST_KNOWN) or _is_far(move.lost, usual.lost, MOST_KNOWN):
        known = f"{then.known_share:.0%} and is of {now.known_share:.0%}"
        return [f"{now.attribute} was known of {known} of the customers."]
    if _is_far(move.shift, usual.shift, MOST_SHIFT):
        return [f"{now.attribute} is spread otherwise (stability index {move.shift:.1f})."]
    return []


def _is_far(went: float, usual: float, most: float) -> bool:
    return went > max(most, TIMES * usual)


def is_of_the_code(ledger: Ledger, deploy: Row, day: str) -> str:
    """Return why the first night of a deploy could not be built with its code, or nothing."""
    query = sa.select(builds).where(
        builds.c.business_date > deploy["business_date"], builds.c.release == deploy["release"]
    )
    row = ledger.row(query.order_by(builds.c.started_at.desc()))
    of_day = row is not None and row["build_id"].startswith(day) and row["state"] == "failed"
    return str(row["sentence"]) if row is not None and of_day else ""
