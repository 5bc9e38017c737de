"""`scv request serve` and `scv request link`, as commands."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import typer

from flows import cli_desk_server
from flows.errors import SettingsWrong
from flows.settings import read_instance
from tests.conftest import PROJECT
from tests.web.conftest import CLIENT, SECRET

PROGRAM = (
    "import typer; from flows import cli_desk_server; app = typer.Typer(); "
    "cli_desk_server.add_to(app); app()"
)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An instance in the environment, with a secret."""
    monkeypatch.setenv("SCV_WAREHOUSE", str(tmp_path))
    monkeypatch.setenv("SCV_DESK_SECRET", SECRET)
    read_instance.cache_clear()
    yield
    read_instance.cache_clear()


def test_the_form_is_served_and_the_link_that_is_printed_lets_in(
    desk: None, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-c", PROGRAM, "serve", "--port", "0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://127.0.0.1:\d+", server.stdout.readline())
            assert found is not None
            cli_desk_server.link(CLIENT, "Jo@Client.example", 3)
            link = capsys.readouterr().out.strip()
            path = link.removeprefix("http://127.0.0.1:4300")
            assert path.startswith("/enter?link=")
            with httpx.Client(base_url=found.group(0), follow_redirects=True) as visitor:
                assert visitor.get("/").status_code == 401
                assert "jo@client.example" in visitor.get(path).text
        finally:
            server.terminate()


def test_an_open_desk_is_served_to_nobody_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SCV_WAREHOUSE", str(tmp_path))
    read_instance.cache_clear()
    try:
        with pytest.raises(SettingsWrong, match="nobody would be asked who they are"):
            cli_desk_server.serve("0.0.0.0", 0)
        with pytest.raises(SettingsWrong, match="SCV_DESK_SECRET"):
            cli_desk_server.link(CLIENT, "jo@client.example", 3)
    finally:
        read_instance.cache_clear()


def test_a_port_that_is_taken_is_told(desk: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as wire:
        port = wire.getsockname()[1]
        with pytest.raises(SettingsWrong, match=f"Port {port} of 127.0.0.1"):
            cli_desk_server.serve("127.0.0.1", port)


def test_a_link_is_for_an_address(desk: None) -> None:
    with pytest.raises(SettingsWrong, match="is no address"):
        cli_desk_server.link(CLIENT, "jo", 3)


def test_a_secret_that_can_be_guessed_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SCV_DESK_SECRET", "short")
    read_instance.cache_clear()
    try:
        with pytest.raises(SettingsWrong, match="SCV_DESK_SECRET is not usable"):
            read_instance()
    finally:
        read_instance.cache_clear()


def test_both_commands_can_be_added() -> None:
    app = typer.Typer()
    cli_desk_server.add_to(app)
    names = {each.callback.__name__ for each in app.registered_commands if each.callback}
    assert names == {"serve", "link"}
