"""`scv releases`: what became of each deploy, step by step, by the ledger."""

from __future__ import annotations

import sqlalchemy as sa
from rich.table import Table

from flows import console
from flows.ledger import Ledger, Row, deploys
from flows.releases.deploys import SHOWN, steps_of, what_next
from flows.settings import read_instance

LISTED = 10


def show_releases() -> None:
    """Print the last deploys, and the steps of the newest."""
    instance = read_instance()
    ledger = Ledger(instance.ledger_url)
    rows = ledger.rows(sa.select(deploys).order_by(deploys.c.id.desc()).limit(LISTED))
    if not rows:
        console.say("Nothing has been deployed yet. To bring a commit live: scv redeploy COMMIT")
        return
    table = Table(box=None, header_style="dim")
    for name in ("began (UTC)", "release", "instead of", "state", "report"):
        table.add_column(name)
    for row in rows:
        table.add_row(*_line(row))
    console.show(table)
    for step in steps_of(ledger, rows[0]["id"]):
        console.say(f"  {step['step']:10} {step['state']:8} {step['sentence']}")
    console.say(what_next(rows[0]))


def _line(row: Row) -> list[str]:
    began = f"{row['started_at']:%Y-%m-%d %H:%M}"
    shown = str(row["report_hash"] or "")[:SHOWN]
    return [began, row["release"], row["build_id"], row["state"], shown]
