"""`scv serve`: one machine that runs an instance by itself, until Ctrl-C.

Prefect's server, the process that starts the scheduled runs, and the pages that a person reads; all
on loopback. Each is in a process group that ends with this process, however this one ends.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from flows import clock, watched
from flows.console import say
from flows.errors import InstanceBusy, ServeFailed, SettingsWrong
from flows.prefect_settings import HOST, served
from flows.prefect_upkeep import knows_the_flows, tell_the_server
from flows.reading_room import open_beside
from flows.schedules import next_night, next_redeploy
from flows.settings import PROJECT, Instance

READY_AFTER = 300.0  # seconds: the first start makes the store, on a busy machine
PATIENCE = 20.0  # seconds that a process gets to end well
SERVER, RUNS = "prefect-server", "prefect-runs"
COMMANDS = {SERVER: ("-m", "prefect", "server", "start"), RUNS: ("-m", "flows.serve_runs")}
Ready = Callable[[Instance], bool]


class _Asked(BaseException):
    """SIGTERM or Ctrl-C: end well."""


def serve(instance: Instance) -> None:
    """Serve an instance until it is asked to end.

    Raises:
        SettingsWrong: when one of the two ports is taken.
        InstanceBusy: when the instance is served already.
        ServeFailed: when the server does not start, or one of the processes ends by itself.
    """
    before = {each: signal.signal(each, _end) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        with ExitStack() as stack:
            stack.enter_context(_alone(instance))
            ports = instance.serve_port, instance.serve_port + 1
            for port in ports:
                _refuse_a_taken(port)
            os.environ.update(served(instance))
            say("starting; Ctrl-C ends everything")
            stack.enter_context(open_beside(instance, HOST, ports[1]))
            server = stack.enter_context(_running(instance, SERVER))
            _wait(instance, server, SERVER, _is_healthy)
            tell_the_server(instance)
            runs = stack.enter_context(_running(instance, RUNS))
            _wait(instance, runs, RUNS, knows_the_flows)
            _tell(instance)
            _watch(instance, {SERVER: server, RUNS: runs})
    except _Asked:
        say("ended")
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _end(*_: Any) -> None:
    # Once is enough: what ends now is not to be disturbed at it.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    say("ending; a night that is running is killed, and live stays whole")
    raise _Asked


@contextmanager
def _alone(instance: Instance) -> Iterator[None]:
    store = instance.root / "prefect"
    store.mkdir(parents=True, exist_ok=True)
    with (store / ".lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InstanceBusy(
                f"{instance.instance} is served already, from {store}. End that one first."
            ) from None
        yield


def _refuse_a_taken(port: int) -> None:
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((HOST, port))
        except OSError:
            raise SettingsWrong(
                f"Port {port} of {HOST} is taken. SCV_SERVE_PORT names another, such as "
                f"{port + 100}; the pages are on the one after it."
            ) from None


@contextmanager
def _running(instance: Instance, name: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, *COMMANDS[name]]
    with log_of(instance, name).open("w") as log:
        process = watched.start(command, PROJECT, os.environ, log, log)
        try:
            yield process
        finally:
            watched.end(process, PATIENCE)


def log_of(instance: Instance, name: str) -> Path:
    """Return where one of the processes writes what it says, anew each time it starts."""
    path = instance.root / "logs" / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _wait(instance: Instance, process: subprocess.Popen[str], name: str, ready: Ready) -> None:
    patience = time.monotonic() + READY_AFTER
    while process.poll() is None and time.monotonic() < patience:
        if ready(instance):
            return
        time.sleep(0.5)
    raise ServeFailed(f"{name} did not start; its log says why: {log_of(instance, name)}")


def _is_healthy(instance: Instance) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{instance.serve_port}/api/health", timeout=5):
            return True
    except OSError:
        return False


def _watch(instance: Instance, processes: Mapping[str, subprocess.Popen[str]]) -> None:
    while True:
        for name, process in processes.items():
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(1.0)
                log = log_of(instance, name)
                raise ServeFailed(f"{name} ended by itself, with {code}; its log says why: {log}")


def _tell(instance: Instance) -> None:
    moment, zone = clock.now(instance), instance.time_zone.key
    night, tuesday = next_night(instance, moment), next_redeploy(instance, moment)
    prefect, pages = (f"http://{HOST}:{instance.serve_port + n}" for n in (0, 1))
    for line in (
        f"{instance.instance} runs by itself now, as long as this does",
        f"  runs and schedules    {prefect}",
        f"  pages                 {pages}",
        f"  next night            {night:%A %Y-%m-%d %H:%M} {zone}",
        f"  next release          {tuesday:%A %Y-%m-%d %H:%M} {zone}",
        f"  store and logs        {instance.root / 'prefect'}, {instance.root / 'logs'}",
        f"  a run by hand there   PREFECT_API_URL={prefect}/api scv run DATE",
    ):
        say(line)
