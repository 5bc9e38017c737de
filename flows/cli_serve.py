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


def schedule() -> None:
    """Tell the Prefect server in PREFECT_API_URL which flows run by themselves, and when.

    It is prefect deploy with prefect.yaml and the times of the settings; say it again when one of
    them has changed, or the control checkout has moved on.
    """
    from flows import clock
    from flows.deployments import deploy
    from flows.schedules import next_night, next_redeploy
    from flows.settings import read_instance

    instance = read_instance()
    typer.echo(deploy(instance))
    moment, zone = clock.now(instance), instance.time_zone.key
    typer.echo(f"next night    {next_night(instance, moment):%A %Y-%m-%d %H:%M} {zone}")
    typer.echo(f"next release  {next_redeploy(instance, moment):%A %Y-%m-%d %H:%M} {zone}")


def pages() -> None:
    """Serve the pages of this instance on loopback, for a proxy before it, until Ctrl-C."""
    from flows.prefect_settings import HOST
    from flows.reading_room import reading_room
    from flows.settings import read_instance

    instance = read_instance()
    reading_room(instance, HOST, instance.serve_port + 1).run()


def notify() -> None:
    """Send a trial notice to every address in SCV_NOTIFY, and say how many took it."""
    from flows.errors import SettingsWrong
    from flows.notices import notify as send
    from flows.settings import read_instance

    instance = read_instance()
    if not instance.notify:
        raise SettingsWrong("SCV_NOTIFY names nobody: Apprise URLs, with a space between two.")
    sentence = "Notices reach you: of nights and releases that stop, and of campaigns held."
    took = send(instance, "skipped", "a trial notice", sentence, instance.pages_url or "")
    if took < len(instance.notify):
        raise SettingsWrong(
            f"{took} of {len(instance.notify)} addresses took the notice: see above."
        )
    typer.echo(f"{took} of {took} addresses took it")


def add_to(app: typer.Typer) -> None:
    """Add the commands to `scv`."""
    for command in (serve, schedule, pages, notify):
        app.command()(command)
