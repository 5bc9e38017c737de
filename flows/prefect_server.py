"""The temporary server that Prefect starts when none is set up ends with the process it is for.

Prefect stops it when the interpreter ends. A process that is killed runs nothing at its end, and
its server would stay for good: so a watcher stands beside it, whose standard input is held open by
us. The kernel closes that when we die, however we die.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from prefect.server.api.server import SubprocessASGIServer

_WATCH = """
import os, signal, sys
sys.stdin.buffer.read()
try:
    os.kill(int(sys.argv[1]), signal.SIGKILL)
except ProcessLookupError:
    pass
"""


def ends_with_us() -> None:
    """Have every temporary server that this process starts end with it."""
    # Not part of Prefect's public face: where it is gone, its server may stay after a kill.
    start = getattr(SubprocessASGIServer, "_run_uvicorn_command", None)
    if start is None or getattr(start, "is_watched", False):
        return

    def start_watched(server: Any) -> subprocess.Popen[Any]:
        process: subprocess.Popen[Any] = start(server)
        command = [sys.executable, "-S", "-c", _WATCH, str(process.pid)]
        server.watcher = subprocess.Popen(command, stdin=subprocess.PIPE)
        return process

    start_watched.is_watched = True  # type: ignore[attr-defined]
    SubprocessASGIServer._run_uvicorn_command = start_watched  # type: ignore[method-assign, assignment]
