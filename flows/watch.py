"""The first night on new code, held in shape against the afternoon that brought it live.

Between an afternoon and a night a day's rows come in, so values differ; what does not happen in a
day is that a tenth of the customers lose an attribute, a channel, or their place in the view.
"""

from __future__ import annotations

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
    found = broken(afternoon, live.path_of(instance, build_id))
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


def broken(afternoon: Path, night: Path) -> list[str]:
    """Return what moved further between two builds than a day moves it, in sentences."""
    before, after = _standing(afternoon), _standing(night)
    found = _moved("the customers", before.customers, after.customers, MOST_CUSTOMERS)
    for channel, then in (before.channels or {}).items():
        now = (after.channels or {}).get(channel)
        found += _moved(f"those to be reached by {channel}", then, now, MOST_CONTACTABLE)
    known = {each.attribute: each for each in lay_beside(before.profiles, [])}
    for each in lay_beside(after.profiles, before.profiles):
        if each.attribute in known:
            found += _of_attribute(known[each.attribute], each)
    return found


def _standing(build: Path) -> Standing:
    with duckdb.connect(str(build), read_only=True) as connection:
        return Standing(connection)


def _moved(whose: str, then: int | None, now: int | None, most: float) -> list[str]:
    if not then or now is None or abs(now - then) <= most * then:
        return []
    return [f"{whose.capitalize()} were {then:,} and are {now:,}."]


def _of_attribute(then: Distribution, now: Distribution) -> list[str]:
    if abs(now.known_share - then.known_share) > MOST_KNOWN:
        known = f"{then.known_share:.0%} and is of {now.known_share:.0%}"
        return [f"{now.attribute} was known of {known} of the customers."]
    if now.shift is not None and now.shift > MOST_SHIFT:
        return [f"{now.attribute} is spread otherwise (stability index {now.shift:.1f})."]
    return []


def is_of_the_code(ledger: Ledger, deploy: Row, day: str) -> str:
    """Return why the first night of a deploy could not be built with its code, or nothing."""
    query = sa.select(builds).where(
        builds.c.business_date > deploy["business_date"], builds.c.release == deploy["release"]
    )
    row = ledger.row(query.order_by(builds.c.started_at.desc()))
    of_day = row is not None and row["build_id"].startswith(day) and row["state"] == "failed"
    return str(row["sentence"]) if row is not None and of_day else ""
