"""Talking to a Prefect server of a test, and seeing which processes an instance has."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_LOGGING_TO_API_ENABLED,
    temporary_settings,
)

Found = TypeVar("Found")
LIMIT = 180.0  # seconds, for what takes some on an idle machine


def free_ports(count: int) -> int:
    """Return the first of some neighbouring ports of loopback that nobody listens on."""
    while True:
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            if port + count > 65535:
                continue
            with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
                for other in range(port + 1, port + count):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", other))
                return port


@contextmanager
def api(port: int, login: str | None = None) -> Iterator[SyncPrefectClient]:
    """Speak to the server on a port."""
    settings = {
        PREFECT_API_URL: f"http://127.0.0.1:{port}/api",
        PREFECT_API_AUTH_STRING: login,
        PREFECT_LOGGING_TO_API_ENABLED: False,
    }
    with temporary_settings(updates=settings), get_client(sync_client=True) as client:
        yield client


def until(look: Callable[[], Found | None], what: str, limit: float = LIMIT) -> Found:
    """Look until there is something; a limit that only something broken reaches."""
    patience = time.monotonic() + limit
    while time.monotonic() < patience:
        found = look()
        if found:
            return found
        time.sleep(0.25)
    raise AssertionError(f"waited in vain for {what}")


def processes_of(folder: Path) -> dict[int, str]:
    """Return the processes whose environment names a folder: number and command."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str(folder).encode() in (process / "environ").read_bytes():
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found[int(process.name)] = command
    return found
