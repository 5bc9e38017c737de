"""`scv quarantine`: the rows that were set aside, and what a person does about them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli_options import Who, Why
from flows.dates import date_of
from flows.errors import SettingsWrong

if TYPE_CHECKING:
    from flows.intake.quarantine import Desk

app = typer.Typer(
    invoke_without_command=True,
    help="""
    The rows that were set aside: what they are, and what a person does about them.

    Without a command: what is set aside now, by table, date and reason. A row that only breaks a
    warning can be released as it is; one that does not fit its type is exported, corrected in the
    file, and taken from it. Each leaves a row in the ledger that says who did it and why, and
    makes a new version of the delivery; the one before stays.
    """,
)

Table = Annotated[str, typer.Argument(help="The raw table, such as transactions.")]
Day = Annotated[str, typer.Argument(help="The business date, such as 2017-11-21.")]


@app.callback()
def overview(context: typer.Context) -> None:
    """Show what is set aside now, and why."""
    if context.invoked_subcommand is None:
        from flows.asides import show_overview

        show_overview()


@app.command()
def show(
    table: Table,
    day: Day,
    rows: Annotated[int, typer.Option(help="How many at most.")] = 20,
) -> None:
    """Show rows that are set aside: their number, reason and text. They are customers' data."""
    from flows.asides import show_rows

    show_rows(_desk(table, date_of(day)), rows)


@app.command()
def export(table: Table, day: Day, file: Path) -> None:
    """Write the rows that are set aside into a CSV, to be corrected there."""
    from flows.intake import quarantine

    count = quarantine.export(_desk(table, date_of(day)), file)
    typer.echo(
        f"{count:,} rows are in {file}. Correct them, take out those that shall stay aside, then: "
        f"scv quarantine correct {table} {day} {file} --who NAME --why REASON"
    )


@app.command()
def release(
    table: Table,
    day: Day,
    who: Who,
    why: Why,
    reason: Annotated[str | None, typer.Option(help="Only rows set aside for this.")] = None,
) -> None:
    """Let rows in as they came, against a warning of their contract."""
    from flows.intake import corrections

    _say(corrections.release(_desk(table, date_of(day)), reason, who, why), "released", day)


@app.command()
def correct(table: Table, day: Day, file: Path, who: Who, why: Why) -> None:
    """Take corrected rows from a CSV that `scv quarantine export` wrote."""
    from flows.intake import corrections

    _say(corrections.correct(_desk(table, date_of(day)), file, who, why), "corrected", day)


def _say(count: int, done: str, day: str) -> None:
    typer.echo(
        f"{count:,} rows {done}. They reach the view with the next batch; to have them at once, "
        f"while {day} is the last that was run: scv run {day}"
    )


def _desk(table: str, day: dt.date) -> Desk:
    from flows.contracts.files import read_contracts
    from flows.intake.quarantine import Desk
    from flows.ledger import Ledger
    from flows.settings import read_instance

    contracts, instance = read_contracts(), read_instance()
    if table not in contracts:
        raise SettingsWrong(f"There is no contract for {table}. There are: {', '.join(contracts)}.")
    return Desk(instance, Ledger(instance.ledger_url), contracts[table], day)
