"""`scv serve`: an instance runs by itself on one machine, and leaves nothing behind."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from prefect.client.schemas.objects import FlowRun

from flows.ledger import Ledger, nights
from flows.prefect_upkeep import ZOMBIES, slot_of, tell_the_server
from flows.settings import Instance, read_instance
from tests.conftest import PROJECT, Answer
from tests.production.serving import api, free_ports, processes_of, until

DAY = dt.date(2017, 11, 22)
Scv = Callable[..., Answer]


@dataclass(frozen=True)
class Served:
    """An instance that is served, and the process that does it."""

    instance: Instance
    process: subprocess.Popen[str]
    lines: list[str]

    @property
    def port(self) -> int:
        """That of its server; the pages are on the next one."""
        return self.instance.serve_port


@contextmanager
def served(root: Path) -> Iterator[Served]:
    """An empty instance on the evening of a day that the client will not deliver."""
    told = {
        "SCV_WAREHOUSE": str(root / "warehouse"),
        "SCV_DELIVERIES": str(root / "deliveries"),
        "SCV_SERVE_PORT": str(free_ports(2)),
        "SCV_NIGHT_STARTS_AT": f"{DAY}T22:00",
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
    }
    # A shell's Ctrl-C and a service manager reach a process that minds signals.
    process = subprocess.Popen(
        [sys.executable, "-c", WITH_SIGNALS, sys.executable, "-m", "flows.cli", "serve"],
        cwd=PROJECT,
        env=os.environ | told,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip())
            if "by hand" in line:
                break
        with pytest.MonkeyPatch.context() as patch:
            for name, text in told.items():
                patch.setenv(name, text)
            read_instance.cache_clear()
            yield Served(read_instance(), process, lines)
    finally:
        read_instance.cache_clear()
        process.kill()
        process.wait()


WITH_SIGNALS = """
import os, signal, sys
for each in (signal.SIGINT, signal.SIGTERM):
    signal.signal(each, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""


def start_a_night(at: Served) -> FlowRun:
    """Start a night that waits for its delivery, and return its run when it does."""
    with api(at.port) as client:
        deployment = client.read_deployment_by_name(f"nightly/{at.instance.instance}")
        run = client.create_flow_run_from_deployment(
            deployment.id, parameters={"business_date": str(DAY)}
        )
    ledger = Ledger(at.instance.ledger_url)
    waits = sa.select(nights).where(nights.c.state == "running", nights.c.step != "starting")
    until(lambda: ledger.row(waits), "a night that is running")
    return run


def left(at: Served) -> bool:
    """True when no process of the instance is left."""
    return not processes_of(at.instance.root.parent)


def test_an_instance_is_served_and_ends_when_it_is_asked_to(tmp_path: Path, scv: Scv) -> None:
    with served(tmp_path) as at:
        for what in ("runs and schedules", "pages", "next night", "next release"):
            assert any(what in line for line in at.lines), at.lines
        assert any("Thursday 2017-11-23 22:00 America/New_York" in line for line in at.lines)
        _the_flows_are_scheduled(at)
        _what_the_server_is_told_twice_it_keeps_once(at)
        _its_pages_are_read(at)
        again = scv("serve")
        assert again.code == 1
        assert "demo is served already" in again.err
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SCV_INSTANCE", "other")
            read_instance.cache_clear()
            other = scv("serve")
            read_instance.cache_clear()
        assert other.code == 2
        assert f"Port {at.port} of 127.0.0.1 is taken" in other.err

        start_a_night(at)
        assert len(processes_of(at.instance.root.parent)) >= 5
        at.process.terminate()
        rest, _ = at.process.communicate()
        assert at.process.returncode == 0
        assert rest.splitlines()[-1] == "ended"
        until(lambda: left(at), f"the end of {processes_of(at.instance.root.parent)}")


def test_whoever_kills_it_kills_everything(tmp_path: Path) -> None:
    with served(tmp_path) as at:
        start_a_night(at)
        at.process.send_signal(signal.SIGKILL)
        until(lambda: left(at), f"the end of {processes_of(at.instance.root.parent)}")


def _the_flows_are_scheduled(at: Served) -> None:
    def planned() -> set[tuple[int, int]]:
        with api(at.port) as client:
            runs = [run for run in client.read_flow_runs() if run.state_name == "Scheduled"]
        times = [_local(run) for run in runs]
        return {(each.hour, each.minute) for each in times}

    # Which of the two comes first hangs on the day that the test is run on.
    until(lambda: planned() == {(22, 0), (15, 0)}, "nights and releases that are scheduled")


def _local(run: FlowRun) -> dt.datetime:
    assert run.expected_start_time is not None
    return run.expected_start_time.astimezone(ZoneInfo("America/New_York"))


def _what_the_server_is_told_twice_it_keeps_once(at: Served) -> None:
    with api(at.port) as client:
        tell_the_server(at.instance)
        limits = {limit.name: limit.limit for limit in client.read_global_concurrency_limits()}
        assert limits[slot_of(at.instance)] == 1
        (automation,) = client.read_automations_by_name(ZOMBIES)
        assert automation.enabled


def _its_pages_are_read(at: Served) -> None:
    at.instance.reports.mkdir(parents=True, exist_ok=True)
    (at.instance.reports / "index.html").write_text("<p>the front door</p>")
    (at.instance.root / "secret.txt").write_text("not a page")
    address = f"http://127.0.0.1:{at.port + 1}"
    with urllib.request.urlopen(address) as page:
        assert b"the front door" in page.read()
    for way_out in ("/../secret.txt", "/%2e%2e/secret.txt"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(address + way_out)
