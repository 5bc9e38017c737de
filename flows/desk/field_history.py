"""What was done with a field: an attribute, a raw table, or a raw column `table.column`.

Put together from the requests and where they are, from what the comparisons of deploys found, and
from git: how contracts and decided numbers changed. What is not there is left out, and named.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from flows.desk.history.contract_changes import FOLDER, ContractChange, contract_changes
from flows.desk.history.git_log import Log, read_blobs, read_log
from flows.desk.history.on_file import documents_of
from flows.desk.history.outcomes import Outcome, read_outcome
from flows.desk.history.remembered import Remembered
from flows.desk.history.touched import touched
from flows.desk.sides import Side, sides_of
from flows.desk.standing import REQUESTS, Event, Standing, standing_of
from flows.desk.store import Desk, Document
from flows.ledger import Ledger
from flows.settings import PROJECT, Instance

THRESHOLDS = "seeds/thresholds.csv"
# Nobody's business yet, or not any more.
NOT_TOLD = ("draft", "closed")
COMPARISONS_READ = 100  # of the newest deploys: four years, as a rule


@dataclass(frozen=True)
class Entry:
    """One thing that was done with a field.

    Args:
        at: when: of a request its last step, of the rest the commit or the deploy. UTC.
        kind: by what it is known.
        title: a request's, or a commit's subject.
        says: what was done, in words.
        who: asked for it, or decided it.
        name: the request's number, the commit, or the build of a comparison.
        status: of a request.
        steps: of a request: its way, the oldest first.
        link: from the front page; empty where there is none.
    """

    at: dt.datetime
    kind: Literal["request", "contract", "comparison", "threshold"]
    title: str
    says: tuple[str, ...]
    who: str = ""
    name: str = ""
    status: str = ""
    steps: tuple[Event, ...] = ()
    link: str = ""


@dataclass(frozen=True)
class Known:
    """All that is known of requests and of what was done with fields.

    Args:
        standings: where each request is, by its number.
        outcomes: of the comparisons that are there, by candidate.
        broken: files of requests that cannot be read.
        log: what git knows.
        by_field: what was done with each field, the newest first.
    """

    documents: Sequence[Document]
    standings: Mapping[str, Standing]
    outcomes: Mapping[str, Outcome]
    broken: Sequence[str]
    log: Log
    by_field: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)

    @property
    def note(self) -> str:
        """What cannot be known here, in a sentence; empty where all is."""
        return self.log.note

    def of(self, name: str) -> tuple[Entry, ...]:
        """Return what was done with a field, the newest first."""
        return self.by_field.get(name, ())


def read_known(
    instance: Instance, ledger: Ledger, table: str | None = None, project: Path = PROJECT
) -> Known:
    """Return what is known of requests and fields.

    Args:
        instance: whose desk and deploys count, and of the one that goes before it.
        ledger: of the instance.
        table: the one raw table whose contract is asked for, or None for all of them.
        project: the checkout whose requests and git count.
    """
    # Who asks for one table forgets nothing of the others.
    remembered = Remembered(instance.root / "history.json")
    log = read_log(project, FOLDER, REQUESTS, THRESHOLDS)
    sides = sides_of(instance, ledger)
    desk = Desk(instance.desk, project / REQUESTS)
    documents, broken = documents_of(desk, remembered)
    standings = {each.id: standing_of(each, sides, log) for each in documents}
    outcomes = _outcomes(instance, sides, standings.values())
    found: dict[str, list[Entry]] = {}
    for name, entry in [
        *_of_requests(documents, standings),
        *_of_comparisons(sides, outcomes),
        *_of_contracts(project, log, remembered, table),
    ]:
        found.setdefault(name, []).append(entry)
    if table is None:
        remembered.keep()
    ordered = {
        # Of two in one second the one that was found later is the newer.
        name: tuple(sorted(entries, key=lambda each: each.at)[::-1])
        for name, entries in found.items()
    }
    return Known(documents, standings, outcomes, broken, log, ordered)


def threshold_changes(project: Path, log: Log) -> dict[str, tuple[Entry, ...]]:
    """Return how the numbers that somebody decided changed, by name, the newest first."""
    touches = list(log.of(THRESHOLDS))
    blobs = read_blobs(project, [b for _, t in touches for b in (t.before, t.after) if b])
    found: dict[str, list[Entry]] = {}
    for commit, touch in touches:
        before, after = (
            _numbers(blobs.get(each or "", b"")) for each in (touch.before, touch.after)
        )
        for name in [*after, *(each for each in before if each not in after)]:
            was, now = before.get(name, ("", "")), after.get(name, ("", ""))
            if was[0] == now[0] or (not was[0] and not before):
                continue
            says = f"{was[0]} → {now[0]}" if was[0] and now[0] else f"decided: {now[0]}"
            told = (now[1], commit.name[:12])
            said = (says if now[0] else f"{was[0]} was taken out",)
            entry = Entry(commit.at, "threshold", commit.subject, said, *told)
            found.setdefault(name, []).insert(0, entry)
    return {name: tuple(entries) for name, entries in found.items()}


def _numbers(content: bytes) -> dict[str, tuple[str, str]]:
    rows = csv.DictReader(io.StringIO(content.decode(errors="replace")))
    return {str(r.get("name")): (str(r.get("value")), str(r.get("decided_by"))) for r in rows}


def _outcomes(
    instance: Instance, sides: Sequence[Side], standings: Iterable[Standing]
) -> dict[str, Outcome]:
    runs = [run for side in sides if side.is_here for run in side.runs]
    names = {str(run.row["candidate_id"]) for run in runs[-COMPARISONS_READ:]}
    names |= {name for each in standings for name in each.candidates}
    read = {name: read_outcome(instance.comparisons, name) for name in sorted(names)}
    return {name: outcome for name, outcome in read.items() if outcome is not None}


def _of_requests(
    documents: Sequence[Document], standings: Mapping[str, Standing]
) -> Iterator[tuple[str, Entry]]:
    for each in documents:
        standing = standings[each.id]
        if standing.status in NOT_TOLD or not standing.timeline:
            continue
        for name, says in touched(each.content).items():
            yield (
                name,
                Entry(
                    standing.timeline[-1].at,
                    "request",
                    each.title,
                    tuple(says),
                    str(each.content.get("asked_by") or ""),
                    each.id,
                    standing.status,
                    standing.timeline,
                    f"requests/{each.id}.html",
                ),
            )


def _of_comparisons(
    sides: Sequence[Side], outcomes: Mapping[str, Outcome]
) -> Iterator[tuple[str, Entry]]:
    for run in (run for side in sides if side.is_here for run in side.runs):
        outcome = outcomes.get(str(run.row["candidate_id"]))
        if outcome is None or run.row["state"] not in ("published", "rolled back"):
            continue
        who = str(run.decision["who"]) if run.decision else ""
        for name, moved in outcome.moved.items():
            yield (
                name,
                Entry(
                    run.row["ended_at"] or run.row["started_at"],
                    "comparison",
                    f"{run.row['release']}, {run.row['state']}",
                    (moved.sentence or f"{moved.customers:,} customers changed",),
                    who,
                    outcome.candidate,
                    moved.kind,
                    link=f"comparisons/{outcome.candidate}.html",
                ),
            )


def _of_contracts(
    project: Path, log: Log, remembered: Remembered, table: str | None
) -> Iterator[tuple[str, Entry]]:
    told: dict[tuple[str, str], list[str]] = {}
    first: dict[tuple[str, str], ContractChange] = {}
    for each in contract_changes(project, log, remembered, table):
        name = f"{each.table}.{each.column}" if each.column else each.table
        told.setdefault((name, each.commit.name), []).append(each.says)
        first.setdefault((name, each.commit.name), each)
    for (name, _), says in told.items():
        of = first[name, _]
        commit = of.commit
        told_of = (of.decided_by, commit.name[:12])
        yield name, Entry(commit.at, "contract", commit.subject, tuple(says), *told_of)
