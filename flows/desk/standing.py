"""Where a request really is: what people said of it, then what git and the ledgers know.

Nobody types that something is built, in QA, approved or live: a file in the checkout says the
first, deploys the rest. What went live stands in the request too once it is recorded, for a
warehouse does not last for ever; one deploy is told once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flows.desk.history.git_log import Log
from flows.desk.request import SAID, STATUSES, Status
from flows.desk.sides import QA, Run, Side
from flows.desk.store import Document

REQUESTS = "docs/requests"
RANK = {status: place for place, status in enumerate(STATUSES)}
# What stopped on its way says so, and moves nothing.
GOES_ON = ("running", "waiting", "published", "rolled back")
UNDER_WAY = {"running": "is being tried", "waiting": "waits for a person"}


@dataclass(frozen=True)
class Event:
    """One step on the way of a request.

    Args:
        at: UTC, without a zone, as the ledger has its times.
        what: in a word or two.
        who: did it; empty where nobody did, as when a release goes by itself.
        note: in a sentence or two.
        link: from the front page; empty where there is none.
        report: the page of its comparison, from the front page; it may be gone.
        status: where the request is by this; None when that does not move it.
    """

    at: dt.datetime
    what: str
    who: str = ""
    note: str = ""
    link: str = ""
    report: str = ""
    status: Status | None = None


@dataclass(frozen=True)
class Standing:
    """Where a request is, and how it came there, the oldest step first."""

    status: Status
    timeline: tuple[Event, ...]
    candidates: tuple[str, ...] = ()

    def last(self, *statuses: Status) -> Event | None:
        """Return the newest event that brought the request to one of these."""
        return next((each for each in reversed(self.timeline) if each.status in statuses), None)

    @property
    def live_since(self) -> dt.datetime | None:
        """When it went live, if it is."""
        event = self.last("deployed") if self.status == "deployed" else None
        return event.at if event else None


def standing_of(document: Document, sides: Sequence[Side], log: Log | None = None) -> Standing:
    """Return where a request is.

    Args:
        document: the request, complete or not.
        sides: what the ledgers know.
        log: what git knows; None, or one without git, where only files count.
    """
    log = log or Log()
    mine = [(side, run) for side in sides for run in side.runs if document.id in run.requests]
    events = [*_said(document), *_built(document, log)]
    for side, run in mine:
        events += _of_run(side, run)
    events += _recorded(document, mine)
    timeline = tuple(sorted(events, key=lambda each: each.at))
    candidates = [str(run.row["candidate_id"]) for side, run in mine if side.is_here]
    candidates += [str(each.get("build")) for each in _released(document)]
    return Standing(_status(document, log, timeline), timeline, tuple(dict.fromkeys(candidates)))


def _status(document: Document, log: Log, timeline: Sequence[Event]) -> Status:
    found: Status = document.status if document.status in SAID else "draft"
    if _is_in_project(document, log):
        found = "built"
    for event in timeline:
        if event.status is None or event.status in SAID:
            continue
        again = found == "rolled back" and RANK[event.status] >= RANK["in QA"]
        if again or RANK[event.status] > RANK[found]:
            found = event.status
    return found


def _is_in_project(document: Document, log: Log) -> bool:
    if not document.is_accepted:
        return False
    return log.there is None or f"{REQUESTS}/{document.path.name}" in log.there


def _said(document: Document) -> Iterator[Event]:
    for each in document.content.get("history") or ():
        at = moment(each.get("at")) if isinstance(each, Mapping) else None
        if at is not None:
            told = str(each.get("status", ""))
            status: Any = told if told in SAID else None
            note = str(each.get("note") or "")
            yield Event(at, told, str(each.get("who") or ""), note, status=status)


def _built(document: Document, log: Log) -> Iterator[Event]:
    if not document.is_accepted:
        return
    for commit, touch in log.of(f"{REQUESTS}/{document.path.name}"):
        if touch.before is None:
            said = f"{commit.subject} ({commit.name[:12]})"
            yield Event(commit.at, "in the code", commit.who, said, status="built")


def _of_run(side: Side, run: Run) -> Iterator[Event]:
    row = run.row
    goes_on = _goes_on(side, run)
    where: dict[str, Any] = {
        "link": f"releases/index.html#deploy-{row['id']}" if side.is_here else "",
        "report": f"comparisons/{row['candidate_id']}.html" if side.is_here else "",
    }
    tried: Status | None = "in QA" if side.goes_first and goes_on else None
    said = f"{row['release']} {UNDER_WAY.get(row['state'], 'was tried')}, instead of "
    begun = f"{said}{row['build_id']}."
    yield Event(row["started_at"], f"on {side.instance}", note=begun, status=tried, **where)
    decided, done = run.decision, run.approved
    if decided is not None:
        status: Status | None = "approved" if goes_on and _is_approved(run) else None
        at, who = decided["made_at"], decided["who"]
        what = f"{decided['decision']} on {side.instance}"
        yield Event(at, what, who, decided["why"], status=status, **where)
    elif done is not None and goes_on:
        at = done["ended_at"] or done["started_at"]
        what = f"approved on {side.instance}, by what it declares"
        yield Event(at, what, note=done["sentence"], status="approved", **where)
    yield from _ended(side, run, where)


def _is_approved(run: Run) -> bool:
    return run.decision is not None and run.decision["decision"] == "approved"


def _ended(side: Side, run: Run, where: Mapping[str, Any]) -> Iterator[Event]:
    row, live = run.row, f"live on {side.instance}"
    ended = row["ended_at"] or row["started_at"]
    if row["state"] in ("published", "rolled back"):
        status: Status = "in QA" if side.goes_first else "deployed"
        kept = status if _goes_on(side, run) else None
        note = f"{row['release']} as {row['candidate_id']}, on the data of {row['business_date']}."
        yield Event(ended, live, _approver(run), note, status=kept, **where)
    if row["state"] == "rolled back":
        at = max(run.taken_back_at or ended, ended)
        what = f"rolled back on {side.instance}"
        back: Status | None = None if side.goes_first else "rolled back"
        yield Event(at, what, note=row["sentence"], status=back, **where)
    elif row["state"] not in ("published", "running", "waiting"):
        what = f"{row['state']} on {side.instance}"
        yield Event(ended, what, note=row["sentence"], **where)


def _goes_on(side: Side, run: Run) -> bool:
    # What was taken back on QA is not in QA any more; here it is live, and then it is not.
    return run.row["state"] in GOES_ON and (
        run.row["state"] != "rolled back" or not side.goes_first
    )


def _approver(run: Run) -> str:
    return str(run.decision["who"]) if run.decision and _is_approved(run) else ""


def _recorded(document: Document, mine: Sequence[tuple[Side, Run]]) -> Iterator[Event]:
    told = {(side.instance, str(run.row["candidate_id"])) for side, run in mine}
    for each in _released(document):
        at, name = moment(each.get("at")), str(each.get("instance"))
        if at is None or (name, str(each.get("build"))) in told:
            continue
        status: Status = "in QA" if name == QA else "deployed"
        by, build = str(each.get("approved_by") or ""), each.get("build")
        note = f"{each.get('commit')} as {build}, on the data of {each.get('business_date')}."
        report = f"comparisons/{build}.html"
        yield Event(at, f"live on {name}", by, note, report=report, status=status)


def _released(document: Document) -> list[Mapping[str, Any]]:
    told = document.content.get("released") or ()
    return [each for each in told if isinstance(each, Mapping)]


def moment(value: Any) -> dt.datetime | None:
    """Return a time as the ledger has it, UTC without a zone; None for what is none."""
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, dt.date):
        return None
    if not isinstance(value, dt.datetime):
        return dt.datetime.combine(value, dt.time())
    return value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value
