"""`scv serve` and its kin: what an instance needs to run by itself."""

from __future__ import annotations

import typer


def serve() -> None:
    """Run this instance by itself on one machine, until Ctrl-C: nights, releases and pages.

    Prefect's server, its schedules and the pages that the nights write, all on loopback. For a
    laptop and a demo; production: docs/runbooks/production.md.
    """
    from flows.serve import serve as serve_until_asked
    from flows.settings import read_instance

    serve_until_asked(read_instance())


def pages() -> None:
    """Serve the pages of this instance on loopback, for a proxy before it, until Ctrl-C."""
    from flows.prefect_settings import HOST
    from flows.reading_room import reading_room
    from flows.settings import read_instance

    instance = read_instance()
    reading_room(instance, HOST, instance.serve_port + 1).run()


def add_to(app: typer.Typer) -> None:
    """Add the commands to `scv`."""
    for command in (serve, pages):
        app.command()(command)
