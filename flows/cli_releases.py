"""`scv redeploy`, `scv approve`, `scv rerun`, `scv diff`, …: the same day again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli_options import Who, Why
from flows.dates import date_of

app = typer.Typer()
Build = Annotated[
    str, typer.Argument(metavar="BUILD", help="A build's name, a business date, or live.")
]


@app.command()
def redeploy(
    ref: Annotated[str, typer.Argument(help="A commit, branch or tag; else SCV_RELEASE_REF.")] = "",
) -> None:
    """Make today's view again with new code, compare, and publish what is declared or approved.

    Nothing is sent. It begins when every campaign of the day is out, and stops with a sentence
    wherever a person has to decide; running it again takes it up there.
    """
    from flows import console, prefect_settings
    from flows.releases.worktrees import find
    from flows.settings import read_instance

    instance = read_instance()
    # A name that is not there is said before anything heavy is started.
    commit = find(ref or instance.release_ref)
    console.say(f"{instance.instance}: {commit} is to go live")
    console.narrate()
    prefect_settings.quiet()
    from flows.redeploy import redeploy as bring_live

    typer.echo(bring_live(ref))


@app.command()
def rerun(
    day: Annotated[str, typer.Argument(help="The business date that is live.")],
    table: Annotated[
        list[str] | None, typer.Option(help="A raw table; may be said repeatedly. Else all files.")
    ] = None,
) -> None:
    """Take in what came late or corrected for the date that is live, and send what was held.

    Tables that are not asked for stay as they were. While campaigns are being sent it waits.
    """
    from flows import console, prefect_settings

    date = date_of(day)
    console.narrate()
    prefect_settings.quiet()
    from flows.ledger import Ledger
    from flows.rerun import rerun as run_again
    from flows.settings import read_instance
    from flows.summary import read_day

    instance = read_instance()
    run_again(date, tables=table or [])
    summary = read_day(Ledger(instance.ledger_url), date)
    console.show_day(instance, summary)
    console.say(str(summary.night["sentence"]) if summary.night else "")


@app.command()
def approve(
    report_hash: Annotated[str, typer.Argument(help="Of the report that was read.")],
    who: Who,
    why: Why,
    refuse: Annotated[bool, typer.Option("--refuse", help="Refuse it instead.")] = False,
) -> None:
    """Approve, or refuse, the comparison of a release by its hash. A new candidate has another."""
    from flows import prefect_settings
    from flows.ledger import Ledger
    from flows.release_pages import write_releases
    from flows.releases import deploys
    from flows.settings import read_instance

    instance = read_instance()
    ledger = Ledger(instance.ledger_url)
    decision = "refused" if refuse else "approved"
    row = deploys.decide(ledger, report_hash, decision, who, why)
    prefect_settings.quiet()
    from flows.resuming import resume

    if resume(instance, row, decision, who, why):
        told = "Its run goes on."
    elif refuse:
        told = deploys.end_refused(ledger, row, who, why)
    else:
        told = f"Go on with: scv redeploy {row['release']}"
    write_releases(ledger, instance.reports / "releases", instance.instance)
    typer.echo(f"{row['report_hash'][: deploys.SHOWN]} is {decision}. {told}")


@app.command()
def cancel(
    campaign: Annotated[str, typer.Argument(help="Such as win_back_email.")],
    day: Annotated[str, typer.Argument(help="The business date, such as 2017-11-21.")],
    who: Who,
    why: Why,
) -> None:
    """Decide that a campaign of a date does not go out any more."""
    from flows.campaigns.cancelling import cancel as write_down
    from flows.ledger import Ledger
    from flows.settings import read_instance

    write_down(Ledger(read_instance().ledger_url), campaign, date_of(day), who, why)
    typer.echo(f"{campaign} of {day} does not go out.")


@app.command()
def releases() -> None:
    """Show the deploys of this instance: when, what came of each, and its steps."""
    from flows.release_status import show_releases

    show_releases()


@app.command()
def diff(
    before: Build,
    after: Build,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    page: Annotated[
        Path | None, typer.Option(help="Write a page here, such as diff.html, JSON beside it.")
    ] = None,
    as_expects: Annotated[
        bool, typer.Option("--expects", help="What a request would declare, to be given a reason.")
    ] = False,
) -> None:
    """Show what differs between two builds: customers, attributes, audiences, columns.

    Only what can differ is read. Ends with 0 when they are equal, 1 when they differ, 2 when a
    name is wrong. Names and addresses are hidden. What a release may change: docs/comparison.md.
    """
    from flows.diff import diff as show

    raise typer.Exit(
        1 if show(before, after, as_json=as_json, page=page, as_expects=as_expects) else 0
    )
