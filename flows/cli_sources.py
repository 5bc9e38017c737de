"""`scv source` and `scv contract`: look at what a client sends, before and after it is agreed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.dates import date_of

source = typer.Typer(no_args_is_help=True, help="The client's sources, as sources/ declares them.")
contract = typer.Typer(no_args_is_help=True, help="The contracts in expectations/.")

Day = Annotated[str | None, typer.Option("--date", help="A business date; else the last one.")]


@source.command("check")
def check(
    name: Annotated[str, typer.Argument(help="A raw table, or a source with all its tables.")],
    day: Day = None,
) -> None:
    """Connect, show ten rows, and compare them with the contract. Takes nothing in.

    The rows are shown on this terminal only; they are customers' data.
    """
    from flows.source_check import check_source

    raise typer.Exit(check_source(name, date_of(day) if day else None))


@source.command("list")
def list_sources() -> None:
    """Show every source with its tables and the variables that it needs."""
    from flows.source_check import list_sources

    list_sources()


@contract.command("draft")
def draft(
    table: Annotated[str, typer.Argument(help="A raw table that a source in sources/ declares.")],
    day: Day = None,
    to: Annotated[Path | None, typer.Option(help="Else drafts/TABLE.yml.")] = None,
) -> None:
    """Write a first contract from a sample (types, keys, ranges), for a person to finish."""
    from flows.source_check import draft_contract

    typer.echo(draft_contract(table, date_of(day) if day else None, to))
