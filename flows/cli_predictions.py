"""`scv predictions`: fit the models behind the scores, and say how good they were."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.dates import date_of

app = typer.Typer(no_args_is_help=True, help="The models behind expected orders and value.")


@app.command()
def fit(
    who: Annotated[str, typer.Option(help="Who decides that it shall hold: a name or role.")],
    why: Annotated[str, typer.Option(help="Why now; the seed keeps it.")],
    until: Annotated[
        str | None, typer.Option(help="The last trading day to learn from; else that of live.")
    ] = None,
    on: Annotated[str | None, typer.Option(help="The day of the decision; else today.")] = None,
    to: Annotated[Path | None, typer.Option(help="Else seeds/prediction_parameters.csv.")] = None,
) -> None:
    """Fit BG/NBD and Gamma-Gamma on the history of what is live, and write the seed.

    Nothing is scored before the seed is committed and released.
    """
    from flows.forecasts import fit_live

    day, decided_on = date_of(until) if until else None, date_of(on) if on else None
    typer.echo(fit_live(day, who, why, decided_on, to))


@app.command()
def report(
    until: Annotated[
        str | None, typer.Option(help="The last trading day of those held out; else that of live.")
    ] = None,
    days: Annotated[
        int | None, typer.Option(help="Days to hold out; else half, 182 at most.")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="Folder; else docs/.")] = None,
) -> None:
    """Hold the last months out, predict them from those before, and compare with what came.

    Writes the page of the docs site, and its numbers, to be committed with a fit.
    """
    from flows.forecasts import report_live

    typer.echo(report_live(date_of(until) if until else None, days, to))
