"""Pages of the requests: a page each, and the sprint: what is where, on which Tuesday."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows import clock
from flows.builds.release import git
from flows.desk.field_history import Known
from flows.desk.filled import filled_in
from flows.desk.history.outcomes import Moved
from flows.desk.history.touched import touched
from flows.desk.known import closes
from flows.desk.request import KINDS
from flows.desk.standing import REQUESTS, Standing
from flows.desk.store import Document
from flows.schedules import next_redeploy
from flows.settings import PROJECT, Instance
from flows.templates import write

FORTNIGHT = dt.timedelta(days=14)
SLOTS = 5  # release Tuesdays shown before and after today: two months each way
# The columns of the sprint, and which states stand in each.
LANES: Mapping[str, tuple[str, ...]] = {
    "Open": ("draft", "submitted", "questions"),
    "Being built": ("accepted", "built"),
    "In QA": ("in QA",),
    "Approved": ("approved",),
    "Released": ("deployed",),
    "Not done, or taken back": ("rolled back", "closed"),
}


@dataclass(frozen=True)
class Card:
    """A request as the sprint shows it."""

    document: Document
    standing: Standing
    wanted: dt.date | None

    @property
    def kinds(self) -> str:
        """What it asks for, in words."""
        return ", ".join(KINDS.get(str(each), str(each)) for each in self._said("kinds") or ())

    @property
    def asked_by(self) -> str:
        """Who asks for it."""
        return str(self._said("asked_by") or "")

    def _said(self, name: str) -> Any:
        return self.document.content.get(name)


@dataclass(frozen=True)
class Slot:
    """A release Tuesday: when it closes, what is wanted for it, and what went live on it."""

    day: dt.date
    closes: dt.datetime
    is_next: bool
    wanted: tuple[Card, ...]
    live: tuple[Card, ...]


def write_requests(instance: Instance, known: Known, folder: Path) -> None:
    """Write `index.html`, the sprint, and a page for each request.

    Args:
        instance: whose slots are shown.
        known: where each request is, and what was done.
        folder: where the pages go.
    """
    cards = [
        Card(each, known.standings[each.id], _day(each.content.get("wanted_on")))
        for each in known.documents
    ]
    now = clock.now(instance)
    lanes = {
        name: [card for card in cards if card.standing.status in states]
        for name, states in LANES.items()
    }
    slots = list(_slots(instance, cards, now))
    told = {"lanes": lanes, "slots": slots, "today": now.date(), "broken": known.broken}
    write(folder / "index.html", "requests.html.j2", "../", cards=cards, **told)
    for card in cards:
        _write_request(known, card, folder / f"{card.document.id}.html")


def _write_request(known: Known, card: Card, page: Path) -> None:
    document = card.document
    write(
        page,
        "request.html.j2",
        "../",
        card=card,
        told=filled_in(document.content),
        fields=touched(document.content),
        results=list(_results(known, card)),
        files=_files(known, document),
    )


def _results(known: Known, card: Card) -> Iterator[tuple[str, str, Sequence[tuple[str, Moved]]]]:
    """Give each comparison of a request with its verdict, and what it found of its fields."""
    names = touched(card.document.content)
    for candidate in card.standing.candidates:
        outcome = known.outcomes.get(candidate)
        if outcome is not None:
            moved = [(name, outcome.moved[name]) for name in names if name in outcome.moved]
            yield candidate, outcome.verdict, moved


def _files(known: Known, document: Document) -> list[str]:
    """Return what the commit that accepted a request wrote, where git is there."""
    if not document.is_accepted:
        return []
    for commit, touch in known.log.of(f"{REQUESTS}/{document.path.name}"):
        if touch.before is None:
            asked = ("diff-tree", "--no-commit-id", "--name-only", "-r", commit.name)
            return (git(PROJECT, *asked) or "").splitlines()
    return []


def _slots(instance: Instance, cards: Sequence[Card], now: dt.datetime) -> Iterator[Slot]:
    following = next_redeploy(instance, now)
    for number in range(-SLOTS, SLOTS):
        slot = following + number * FORTNIGHT
        if slot.date() < instance.redeploy_from:
            continue
        day = slot.date()
        yield Slot(
            day,
            closes(day, slot),
            number == 0,
            tuple(card for card in cards if card.wanted == day),
            tuple(card for card in cards if _live_on(card, instance) == day),
        )


def _live_on(card: Card, instance: Instance) -> dt.date | None:
    since = card.standing.live_since
    if since is None:
        return None
    return since.replace(tzinfo=dt.UTC).astimezone(instance.time_zone).date()


def _day(said: Any) -> dt.date | None:
    if isinstance(said, dt.date):
        return said
    try:
        return dt.date.fromisoformat(str(said))
    except ValueError:
        return None
