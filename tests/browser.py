"""The docs site in a real browser."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.conftest import World

QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=10000",
]


def site(world: World) -> Path:
    """The site that `make run` built."""
    return world.warehouse.parent / "site"


def shown(chromium: str, tmp_path: Path, address: str) -> str:
    """The page as it stands when its scripts have run."""
    return _opened(chromium, tmp_path, address).stdout


def complaints(chromium: str, tmp_path: Path, address: str) -> list[str]:
    """What the page says on the browser's console."""
    said = _opened(chromium, tmp_path, address, "--enable-logging=stderr").stderr
    return [line for line in said.splitlines() if "CONSOLE" in line]


def _opened(
    chromium: str, tmp_path: Path, address: str, *options: str
) -> subprocess.CompletedProcess[str]:
    where = f"--user-data-dir={tmp_path / 'profile'}"
    command = [chromium, *QUIET, *options, where, "--dump-dom", address]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)
