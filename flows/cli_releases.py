"""`scv diff`: releases and builds held against each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Build = Annotated[
    str, typer.Argument(metavar="BUILD", help="A build's name, a business date, or live.")
]


def diff(
    before: Build,
    after: Build,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    page: Annotated[
        Path | None, typer.Option(help="Write a page here, such as diff.html, JSON beside it.")
    ] = None,
) -> None:
    """Show what differs between two builds: customers, attributes, audiences, columns.

    Only what can differ is read. Ends with 0 when they are equal, 1 when they differ, 2 when a
    name is wrong. Names and addresses are hidden. What a release may change: docs/comparison.md.
    """
    from flows.diff import diff as show

    raise typer.Exit(1 if show(before, after, as_json=as_json, page=page) else 0)
