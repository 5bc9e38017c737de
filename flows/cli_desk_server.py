"""`scv request serve` and `scv request link`: the form of a request, and who is let in to it."""

from __future__ import annotations

import socket
from typing import Annotated

import typer

LOOPBACK = ("127.0.0.1", "localhost", "::1")
Host = Annotated[str, typer.Option(help="The address that it answers on.")]
Port = Annotated[int, typer.Option(help="The port that it answers on.", min=0, max=65535)]
Client = Annotated[str, typer.Option(help="Whose requests the link shows, by the client's name.")]
Email = Annotated[str, typer.Option(help="Who opens it; what they do is written down by this.")]
Days = Annotated[int, typer.Option(help="How long it lets in.", min=1, max=365)]


def serve(host: Host = "127.0.0.1", port: Port = 4300) -> None:
    """Serve the form of change requests, until Ctrl-C.

    On loopback anybody is let in as long as neither SCV_DESK_SECRET nor SCV_DESK_USER_HEADER is
    set; anywhere else one of them has to be: docs/desk.md.
    """
    import uvicorn

    from flows.errors import SettingsWrong
    from flows.settings import read_instance
    from flows.web.app import app_of
    from flows.web.users import is_open

    instance = read_instance()
    if is_open(instance) and host not in LOOPBACK:
        raise SettingsWrong(
            f"On {host} others can reach the form, and nobody would be asked who they are. Set "
            "SCV_DESK_SECRET, or SCV_DESK_USER_HEADER behind a proxy: docs/desk.md"
        )
    with _listening(host, port) as wire:
        where = f"[{host}]" if ":" in host else host
        typer.echo(f"the form of {instance.instance}: http://{where}:{wire.getsockname()[1]}")
        # Addresses and schemes that a proxy tells are read by us, and of our own proxies only.
        config = uvicorn.Config(
            app_of(instance),
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
        )
        uvicorn.Server(config).run(sockets=[wire])


def _listening(host: str, port: int) -> socket.socket:
    from flows.errors import SettingsWrong

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        said = error.strerror or "it cannot be had"
        raise SettingsWrong(
            f"Port {port} of {host}: {said}. --port names another, such as {port + 100}."
        ) from None


def link(client: Client, email: Email, days: Days = 30) -> None:
    """Print a link that lets one person of a client in to the form."""
    import datetime as dt

    from email_validator import EmailNotValidError, validate_email

    from flows.errors import SettingsWrong
    from flows.settings import read_instance
    from flows.web.tokens import link_of

    try:
        whom = validate_email(email, check_deliverability=False).normalized.lower()
    except EmailNotValidError as error:
        raise SettingsWrong(f"--email {email} is no address: {error}") from None
    until = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    typer.echo(link_of(read_instance(), client, whom, until))


def add_to(app: typer.Typer) -> None:
    """Add the commands to `scv request`."""
    for command in (serve, link):
        app.command()(command)
