"""What people see in a terminal: progress while it works, tables when it is done."""

from __future__ import annotations

import datetime as dt
import logging
import sys

from rich.console import Console
from rich.table import Table

from flows import clock
from flows.builds import live
from flows.ledger import Row
from flows.settings import Instance
from flows.summary import DaySummary

# A log file or a pipe has no width of its own.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 130)
COLOURS = {
    "arrived": "green",
    "not_due": "green",
    "sent": "green",
    "held": "yellow",
    "late": "yellow",
    "waiting": "yellow",
}


class Narrator(logging.Handler):
    """Says what the rooms log: one line a step, and every tenth of a build."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._tenths = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        progress = getattr(record, "progress", None)
        if progress is not None:
            what = "testing" if progress["kind"] == "test" else progress["node"]
            self._build(progress["index"], progress["of"], what)
            return
        self._tenths = 0
        style = "yellow" if record.levelno >= logging.WARNING else None
        say(f"  {record.getMessage()}", style)

    def _build(self, index: int, of: int, what: str) -> None:
        tenths = index * 10 // of
        if tenths > self._tenths:
            self._tenths = tenths
            say(f"  building: {index} of {of}, {what}", "dim")


def say(sentence: str, style: str | None = None) -> None:
    """Print one sentence, exactly as it is."""
    console.print(sentence, style=style, markup=False, soft_wrap=True)


def show(table: Table) -> None:
    """Print one table."""
    console.print(table)


def narrate() -> None:
    """Print what the rooms say from now on."""
    logger = logging.getLogger("scv")
    logger.setLevel(logging.INFO)
    if not any(isinstance(handler, Narrator) for handler in logger.handlers):
        logger.addHandler(Narrator())


def show_day(instance: Instance, summary: DaySummary) -> None:
    """Print what became of a business date."""
    console.print()
    if summary.tables:
        console.print(_tables(summary))
    for row in summary.overrides:
        say(f"  {_override(instance, row)}", "yellow")
    if summary.campaigns:
        console.print(_campaigns(summary))
    for line in summary.campaigns:
        if line.sentence:
            say(f"  {line.sentence}", "yellow")
    build = summary.build
    if build is not None and build["seconds"] is not None:
        say(
            f"Build {build['build_id']} took {build['seconds']:.1f} s with code "
            f"{build['release']}; live is {live.current(instance)}."
        )


def _override(instance: Instance, row: Row) -> str:
    until = row["until"].replace(tzinfo=dt.UTC).astimezone(instance.time_zone)
    over = "" if until > clock.now(instance) else " (over)"
    return (
        f"{row['table_name']} is overridden: {row['policy']} until {until:%Y-%m-%d %H:%M}{over}, "
        f"decided by {row['who']}: {row['why']}"
    )


def _tables(summary: DaySummary) -> Table:
    table = Table(title=f"Tables of {summary.business_date}", title_justify="left")
    for name in ("table", "state"):
        table.add_column(name)
    for name in ("accepted", "set aside", "checks passed"):
        table.add_column(name, justify="right")
    table.add_column("in words", overflow="fold")
    for line in summary.tables:
        colour = COLOURS.get(line.state, "red")
        table.add_row(
            line.table,
            f"[{colour}]{line.state}[/]",
            "" if line.accepted is None else f"{line.accepted:,}",
            "" if line.quarantined is None else f"{line.quarantined:,}",
            f"{line.checks - line.failed} of {line.checks}" if line.checks else "",
            line.sentence,
        )
    return table


def _campaigns(summary: DaySummary) -> Table:
    table = Table(title=f"Campaigns of {summary.business_date}", title_justify="left")
    for name in ("campaign", "channel", "verdict"):
        table.add_column(name)
    for name in ("chosen", "control"):
        table.add_column(name, justify="right")
    for line in summary.campaigns:
        table.add_row(
            line.campaign_id,
            line.channel,
            f"[{COLOURS.get(line.verdict, 'white')}]{line.verdict}[/]",
            f"{line.chosen:,}",
            "" if line.control is None else f"{line.control:,}",
        )
    return table
