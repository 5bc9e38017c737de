"""`scv request`: what a client asks for, from the first draft to the branch that begins it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows import cli_desk_server
from flows.cli_options import Who, Why

app = typer.Typer(no_args_is_help=True, help="Change requests: what a client asks for.")

Number = Annotated[str, typer.Argument(metavar="CR-0007", help="The number of a request.")]
Sample = Annotated[
    list[str] | None, typer.Option(help="TABLE=FILE, rows of the new table; not kept.")
]


@app.command()
def new(
    who: Who,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="new_table, columns, attribute, activity or purchases."),
    ] = None,
    title: Annotated[str, typer.Option(help="What is asked for, in a few words.")] = "",
    file: Annotated[Path | None, typer.Option("--from", help="A request as YAML.")] = None,
) -> None:
    """Begin a request: a YAML on the desk with every field that its kinds ask for.

    With --from the one that somebody has written already.
    """
    from flows.desk_work import begin

    if file is None and not (kind and title):
        raise typer.BadParameter("say --kind and --title, or --from FILE.")
    typer.echo(begin(kind or [], title, who, file))


@app.command()
def check(
    request: Annotated[str, typer.Argument(help="A number, or a YAML file.")],
    sample: Sample = None,
) -> None:
    """Hold a request against all that the form checks; ends with 1 when something is wrong."""
    from flows.desk_work import show_findings

    raise typer.Exit(show_findings(request, sample or []))


@app.command()
def submit(number: Number, who: Who, sample: Sample = None) -> None:
    """Hand a request in: checked once more, and from then on it waits for us."""
    from flows.desk_work import hand_in

    typer.echo(hand_in(number, who, sample or []))


@app.command("list")
def list_requests(
    all_of_them: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Show the requests: their number, what they ask for, who asks, and where they are."""
    from flows.desk_work import show_list

    show_list(all_of_them=all_of_them, as_json=as_json)


@app.command()
def show(
    number: Number,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Show one request: all that was asked and said, and what became of it."""
    from flows.desk_work import show_request

    show_request(number, as_json=as_json)


@app.command()
def ask(number: Number, who: Who, question: Annotated[str, typer.Argument()]) -> None:
    """Give a request back with a question; whoever asked for it changes it and hands it in anew."""
    from flows.desk_work import give_back

    typer.echo(give_back(number, who, question))


@app.command()
def close(number: Number, who: Who, why: Why) -> None:
    """Close a request without doing it."""
    from flows.desk_work import shut

    typer.echo(shut(number, who, why))


@app.command()
def accept(
    number: Number,
    who: Who,
    why: Why,
    section: Annotated[
        str, typer.Option(help="The model that an attribute goes into, such as customer_web.")
    ] = "",
    privacy_approver: Annotated[
        str, typer.Option(help="Who agreed, of a request about consent.")
    ] = "",
    base: Annotated[str, typer.Option(help="What the branch begins at.")] = "HEAD",
) -> None:
    """Accept a request: a branch with contract, models, tests and docs, to be finished there.

    The folder in which you work is not touched. What only a person can decide is listed, and says
    "to do" in the commit.
    """
    from flows.desk_work import take_on

    typer.echo(take_on(number, who, why, section, privacy_approver, base))


@app.command()
def record() -> None:
    """Write into docs/requests/ when each request went live, and on which comparison; commit it.

    The ledger knows it as long as there is this warehouse; the project should know it for good.
    """
    from flows.desk_work import write_record

    typer.echo(write_record())


@app.command()
def pdf(
    number: Annotated[str, typer.Argument(metavar="[CR-0007]", help="Else the empty form.")] = "",
    to: Annotated[Path | None, typer.Option(help="Else NUMBER.pdf here.")] = None,
) -> None:
    """Write a request, or the empty form, as a PDF: for a meeting, and for signatures."""
    from flows.desk_work import print_pdf

    typer.echo(print_pdf(number, to))


app.command()(cli_desk_server.serve)
app.command()(cli_desk_server.link)
