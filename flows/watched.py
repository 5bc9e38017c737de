"""Start a command that ends with us, however we end: `python watched.py COMMAND …`.

The command gets a process group of its own, and beside it a watcher that reads from a pipe which we
hold open. The kernel closes the pipe when we die; the watcher then kills the group. The command
need know nothing of it, so it may be that of any release.

Run as a file, in Python's isolated mode: nothing but the standard library here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO


def start(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    out: int | IO[str] | None = None,
    errors: int | IO[str] | None = None,
) -> subprocess.Popen[str]:
    """Start a command; its process id is that of the command itself, and of its group."""
    return subprocess.Popen(
        [sys.executable, "-I", __file__, *command],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=out,
        stderr=errors,
        text=True,
        start_new_session=True,
    )


def end(process: subprocess.Popen[str], patience: float = 0.0) -> None:
    """End a command and all of its group: asked for `patience` seconds, then killed."""
    if patience and process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    if process.stdin is not None:
        process.stdin.close()  # the watcher kills what is left of the group, itself included
    process.wait()


def _watch() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    # Else whoever reads what the command says would wait for the watcher too.
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    # It is asked to end as a part of its group; it ends with the pipe, when nothing is left over.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Fork the watcher and become the command."""
    if os.fork() == 0:
        _watch()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606  (a list of arguments, and no shell)


if __name__ == "__main__":
    main()
