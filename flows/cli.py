"""The way in for people: `scv`. Thin: each command imports what it needs and calls a room."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from flows import cli_desk, cli_predictions, cli_quarantine, cli_releases, cli_serve, cli_sources
from flows.cli_options import Who, Why
from flows.dates import date_of
from flows.errors import Stopped
from flows.handing_over import hand_over

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="""
    A nightly batch customer-data platform: raw tables in, a single customer view and campaign
    files out.

    A first look, in a fresh checkout: make run. Then: scv status, scv explain campaign NAME.
    Each command says what it does with --help, and when it stops, what to do next.
    """,
)
explain = typer.Typer(no_args_is_help=True, help="Why is a campaign or a column what it is?")
app.add_typer(explain, name="explain")
app.add_typer(cli_quarantine.app, name="quarantine")
app.add_typer(cli_predictions.app, name="predictions")
app.add_typer(cli_sources.source, name="source")
app.add_typer(cli_sources.contract, name="contract")
app.add_typer(cli_desk.app, name="request")
app.add_typer(cli_releases.app)
cli_serve.add_to(app)

Day = Annotated[str, typer.Argument(help="The business date, such as 2017-11-21.")]


@app.command()
def run(
    day: Day,
    send: Annotated[bool, typer.Option(help="Write campaign files.")] = True,
    from_nothing: Annotated[
        bool, typer.Option("--from-nothing", help="Build from every batch, on top of no base.")
    ] = False,
) -> None:
    """Run the nightly batch of a business date. Running it twice changes nothing."""
    from flows import console, prefect_settings
    from flows.ledger import Ledger
    from flows.settings import read_instance
    from flows.summary import latest_night, read_day

    date, instance = date_of(day), read_instance()
    ledger = Ledger(instance.ledger_url)
    before = latest_night(ledger)
    console.narrate()
    try:
        prefect_settings.quiet()
        from flows.daily import daily

        console.say(f"{instance.instance}, business date {date}")
        daily(date, send=send, from_nothing=from_nothing)
    finally:
        if latest_night(ledger) != before:
            console.show_day(instance, read_day(ledger, date))


@app.command()
def status(
    day: Annotated[str | None, typer.Argument(help="A business date; else the last.")] = None,
) -> None:
    """Show what is live, what is running, and what became of a business date."""
    from flows.status import show_status

    show_status(date_of(day) if day else None)


@app.command()
def customer(
    name: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="The client's id (101), or ours (scv_customer_id); of a merged or closed one too.",
        ),
    ],
    show_personal: Annotated[
        bool, typer.Option("--show-personal", help="Show names and addresses.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="For machines, with every field.")
    ] = False,
) -> None:
    """Show one customer: its row, its history, its messages, and why it is what it is.

    Why this stage, why no e-mail, why this segment; which of today's campaigns chose it, which rule
    kept another away; what changed from build to build, as far as builds are kept. Names and
    addresses are hidden, for terminals are copied into tickets.
    """
    from flows.cli_customer import show_customer

    show_customer(name, show_personal=show_personal, as_json=as_json)


@app.command()
def gate(
    day: Day,
    what_if: Annotated[
        list[str] | None,
        typer.Option(help="TABLE=STATE, such as transactions=missing; may be said repeatedly."),
    ] = None,
) -> None:
    """Show which campaigns of a date are held and why, or which would be. Changes nothing."""
    from flows.what_if import show_gate

    show_gate(date_of(day), what_if or [])


@app.command()
def rollback() -> None:
    """Move live back to the build that was live before, and with it the code of the next night.

    The campaigns that went out have gone.
    """
    from flows import nights, slots
    from flows.builds import live
    from flows.ledger import Ledger
    from flows.pages import write_pages
    from flows.releases import deploys
    from flows.settings import read_instance

    instance = read_instance()
    ledger = Ledger(instance.ledger_url)
    with slots.hold(instance, ledger, "rolling back"):
        nights.repair(instance, ledger)
        left, now_live = live.roll_back(instance, ledger)
        release = deploys.roll_back(ledger, left)
        deploys.lapse(ledger, now_live)
    write_pages(instance, ledger, instance.reports)
    forward = f"redeploy {release}" if release else f"run {left[:10]}"
    code = live.release_of(ledger, now_live)
    typer.echo(
        f"Live was {left} and is {now_live}, made by code {code}. "
        f"To go forward again: scv {forward}"
    )


@app.command()
def recount(
    customers: Annotated[int, typer.Option(min=1, help="About how many, drawn by date.")] = 1000,
) -> None:
    """Count some customers of live anew, from every batch: has anything drifted? Changes nothing.

    Every night does so for a few, when its campaigns are out.
    """
    from flows import slots
    from flows.builds import live
    from flows.builds.recount import recount as count_anew
    from flows.contracts.files import read_contracts
    from flows.ledger import Ledger
    from flows.settings import read_instance

    instance = read_instance()
    with slots.hold(instance, Ledger(instance.ledger_url), "counting a sample anew"):
        build_id = live.current_or_stop(instance)
        found = count_anew(instance, read_contracts(), build_id, customers)
    typer.echo(found.sentence)
    for each in found.differences:
        typer.echo(f"  {each.sentence}")
    raise typer.Exit(1 if found.differences else 0)


@app.command()
def receive(
    table: Annotated[str, typer.Argument(help="The raw table, such as transactions.")],
    day: Day,
) -> None:
    """Take in one table of a date once more: it came late, was corrected, or is asked for anew.

    The view has it with the next batch. How far back a correction may reach is in the contract.
    """
    from flows.past_dates import receive_again
    from flows.settings import read_instance

    got = receive_again(read_instance(), table, date_of(day))
    counted = f", {got.counts.accepted:,} rows accepted" if got.counts else ""
    before = ": the same as before" if got.taken_before else ""
    typer.echo(f"{table} for {day}: {got.state}{counted}{before}")
    if got.sentence:
        typer.echo(got.sentence)
    raise typer.Exit(0 if got.counts else 1)


@app.command()
def override(
    table: Annotated[str, typer.Argument(help="The raw table, such as transactions.")],
    day: Day,
    policy: Annotated[str, typer.Option(help="What is done instead, such as use_last_good.")],
    who: Who,
    why: Why,
    until: Annotated[str, typer.Option(help="The client's clock, such as 09:00.")],
) -> None:
    """Decide otherwise than the contract for one table of one date. Consents cannot be widened."""
    from flows.overrides import override as write_down
    from flows.settings import read_instance

    said = write_down(read_instance(), table, date_of(day), policy, who, why, until)
    typer.echo(said)


@app.command()
def dev() -> None:
    """Fork a development build from live, in which plain dbt works: build, test, docs serve."""
    from flows.builds.development import fork_for_development

    typer.echo(fork_for_development())


@app.command()
def docs() -> None:
    """Build the documentation site of what is live, as static pages."""
    from flows.site import build_site

    typer.echo(f"The site is {build_site()}")


@app.command()
def check() -> None:
    """Hold contracts and accepted requests against what they may say. Takes nothing in."""
    from flows.contracts.calendar import read_calendar, refuse_unknown_tables
    from flows.contracts.files import read_contracts
    from flows.contracts.suites import suite_of
    from flows.desk.accepted import read_accepted
    from flows.intake.sources.declared import read_sources, source_of

    sources, contracts = read_sources(), read_contracts()
    refuse_unknown_tables(read_calendar(), contracts)
    for contract in contracts.values():
        source_of(sources, contract)
        checks = len(suite_of(contract).expectations)
        typer.echo(f"{contract.table}: {len(contract.columns)} columns, {checks} checks, sound")
    for request in read_accepted():
        typer.echo(f"{request.id}: {request.title}, sound")


@explain.command("campaign")
def explain_campaign(name: Annotated[str, typer.Argument(help="Such as win_back_email.")]) -> None:
    """Say what a campaign reads, what became of it, and why customers were left out."""
    from flows.explain import of_campaign

    of_campaign(name)


@explain.command("column")
def explain_column(
    name: Annotated[str, typer.Argument(help="An attribute, a raw TABLE.COLUMN, or a raw table.")],
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Say what a column means, what it is made of or read by, and what was done with it."""
    from flows.explain_column import of_column

    of_column(name, as_json=as_json)


def main() -> None:
    """Run `scv`; a `Stopped` becomes one sentence on standard error and its exit code."""
    try:
        hand_over(sys.argv[1:])
        app()
    except Stopped as stopped:
        typer.secho(f"Stopped: {stopped}", fg="red", err=True)
        sys.exit(stopped.exit_code)


if __name__ == "__main__":  # how a release's own `scv` is called
    main()
