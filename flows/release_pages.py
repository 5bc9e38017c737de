"""The page of the releases: each deploy of the ledger, its steps, and what is next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from flows.failures import failures_in
from flows.ledger import Ledger, Row, deploys
from flows.releases.deploys import SHOWN, decision_on, steps_of, what_next
from flows.releases.requests import changelog, of_deploy
from flows.templates import put, write

# Two a month, as a rule: four years of them.
DEPLOYS_SHOWN = 100
UNDER_WAY = "It is running: scv status says what it does, and who waits for it."


@dataclass(frozen=True)
class Line:
    """One deploy as its page tells it.

    Args:
        row: of the ledger.
        steps: its rows, in order.
        decision: the newest that a person made on its report.
        requests: those that it brings.
        report: the way to its comparison, where that page is there.
        next: what to do about it, or that nothing is to be done.
        ways: the ways to stop that its sentence tells of.
    """

    row: Row
    steps: list[Row]
    decision: Row | None
    requests: list[Row]
    report: str | None
    next: str
    ways: list[str]


def write_releases(ledger: Ledger, folder: Path, instance: str) -> None:
    """Write `index.html` of the last deploys, the newest first, and `CHANGELOG.md`.

    Args:
        ledger: of the instance.
        instance: its name.
        folder: where it goes; the comparisons stand in `comparisons/` beside it, if at all.
    """
    query = sa.select(deploys).order_by(deploys.c.id.desc()).limit(DEPLOYS_SHOWN)
    lines = [_line(ledger, row, folder) for row in ledger.rows(query)]
    write(folder / "index.html", "releases.html.j2", "../", lines=lines, characters=SHOWN)
    put(folder / "CHANGELOG.md", changelog(ledger, instance))


def _line(ledger: Ledger, row: Row, folder: Path) -> Line:
    report_hash, name = row["report_hash"], f"comparisons/{row['candidate_id']}.html"
    is_waiting = row["state"] not in ("published", "rolled back")
    return Line(
        row,
        steps_of(ledger, row["id"]),
        decision_on(ledger, report_hash) if report_hash else None,
        of_deploy(ledger, row["id"]),
        f"../{name}" if (folder.parent / name).is_file() else None,
        UNDER_WAY if row["state"] == "running" else what_next(row),
        failures_in(row["sentence"]) if is_waiting else [],
    )
