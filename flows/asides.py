"""What is set aside, shown on the terminal."""

from __future__ import annotations

import sqlalchemy as sa
from rich.table import Table

from flows.console import console, say
from flows.intake import quarantine
from flows.intake.quarantine import Desk
from flows.ledger import Ledger, corrections
from flows.settings import read_instance

DONE = {"release": "released", "correct": "corrected"}


def show_overview() -> None:
    """Print what is set aside now by table, date and reason, and who let what in."""
    ledger = Ledger(read_instance().ledger_url)
    found = quarantine.overview(ledger)
    if not found:
        say("Nothing is set aside.")
    else:
        table = Table(title="Set aside", title_justify="left")
        for heading in ("date", "table", "reason"):
            table.add_column(heading, overflow="fold")
        table.add_column("rows", justify="right")
        table.add_column("delivery")
        for each in found:
            taken = "taken" if each.taken else "refused"
            table.add_row(
                *(str(each.business_date), each.table, each.reason, f"{each.rows:,}", taken)
            )
        console.print(table)
        first = found[0]
        say(f"To look at rows: scv quarantine show {first.table} {first.business_date}")
    for row in ledger.rows(sa.select(corrections).order_by(corrections.c.id.desc()).limit(10)):
        done = f"{row['who']} {DONE[row['action']]} {row['rows']:,}"
        say(
            f"{row['made_at']:%Y-%m-%d %H:%M} UTC: {done} "
            f"rows of {row['table_name']} for {row['business_date']}: {row['why']}"
        )


def show_rows(desk: Desk, limit: int) -> None:
    """Print rows that are set aside: number, reason, text as it came."""
    table = Table(title=f"{desk.contract.table} for {desk.day}, set aside", title_justify="left")
    table.add_column("row", justify="right")
    table.add_column("reason", overflow="fold")
    table.add_column("as it came", overflow="fold")
    found = quarantine.rows_set_aside(desk.delivery)
    for number, text, reason in found[:limit]:
        table.add_row(str(number), reason, text)
    console.print(table)
    if len(found) > limit:
        say(f"{len(found) - limit:,} more: --rows {len(found)}")
