"""One world for all tests: the demo client's history and three nights, run as `make run` runs them.

The world is never written to. A test that changes something gets an instance of its own, which
shares the world's immutable files and has its own ledger, live link and deliveries.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.delivery import CRM, Client
from flows import prefect_settings
from flows.ledger import Ledger
from flows.settings import Instance, read_instance

PROJECT = Path(__file__).resolve().parents[1]
NIGHTS = [dt.date(2017, 11, day) for day in (18, 19, 20, 21)]
NEXT = dt.date(2017, 11, 22)

prefect_settings.quiet()


@dataclass(frozen=True)
class World:
    """Where the world stands, and what `make run` printed while it was made."""

    deliveries: Path
    warehouse: Path
    said: str

    @property
    def environment(self) -> dict[str, str]:
        """The variables under which a command works on the world."""
        return os.environ | {
            "SCV_DELIVERIES": str(self.deliveries),
            "SCV_WAREHOUSE": str(self.warehouse),
        }


@dataclass(frozen=True)
class Answer:
    """What a command came to."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> World:
    """Make the world once for all workers."""
    base = tmp_path_factory.getbasetemp()
    root = (base if worker_id == "master" else base.parent) / "world"
    root.mkdir(exist_ok=True)
    said = root / "said.txt"
    with (root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = World(root / "deliveries", root / "warehouse", "")
        if not said.exists():
            answer = subprocess.run(
                [sys.executable, "-m", "demo.nights", "--site", str(root / "site")],
                cwd=PROJECT,
                env=made.environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert answer.returncode == 0, answer.stdout + answer.stderr
            said.write_text(answer.stdout)
    return World(made.deliveries, made.warehouse, said.read_text())


@pytest.fixture(scope="session")
def deliveries(world: World) -> Path:
    """The client's deliveries of the world."""
    return world.deliveries


@pytest.fixture(scope="session")
def nights(world: World) -> dict[dt.date, Path]:
    """The build file of each business date of the world."""
    return {day: world.warehouse / "demo" / "builds" / f"{day}-01.duckdb" for day in NIGHTS}


@pytest.fixture
def instance(
    world: World, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Instance]:
    """An instance of the test's own, at the end of the night of 2017-11-21.

    One place for all tests of a worker: dbt's parse of the project is kept there from test to
    test, as it is from night to night, for it is bound to the path of the build.
    """
    root = tmp_path_factory.getbasetemp() / "instance"
    kept, parse = root / "warehouse" / "demo" / "dbt", root.with_name("parse")
    if kept.is_dir():
        kept.rename(parse)
    shutil.rmtree(root, ignore_errors=True)
    _share(world.deliveries, root / "deliveries")
    _share(world.warehouse, root / "warehouse")
    if parse.is_dir():
        shutil.rmtree(kept)
        parse.rename(kept)
    monkeypatch.setenv("SCV_DELIVERIES", str(root / "deliveries"))
    monkeypatch.setenv("SCV_WAREHOUSE", str(root / "warehouse"))
    # The nights of the world count a sample anew; here it is only what each test waits for.
    monkeypatch.setenv("SCV_RECOUNT_CUSTOMERS", "0")
    read_instance.cache_clear()
    yield read_instance()
    read_instance.cache_clear()


@pytest.fixture
def ledger(instance: Instance) -> Ledger:
    """The ledger of the test's own instance."""
    return Ledger(instance.ledger_url)


@pytest.fixture(scope="session")
def next_delivery(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client's deliveries folder after 2017-11-22, written once for all tests of a worker."""
    folder = tmp_path_factory.mktemp("next")
    shutil.copy2(world.deliveries / CRM, folder)
    Client(world.warehouse / "demo" / "outbox").deliver(NEXT, False, folder)
    return folder


@pytest.fixture
def delivered(instance: Instance, next_delivery: Path) -> Path:
    """The client's delivery of 2017-11-22, to be spoilt by the test; returns its folder."""
    shutil.copy2(next_delivery / CRM, instance.deliveries)
    return shutil.copytree(next_delivery / str(NEXT), instance.deliveries / str(NEXT))


@pytest.fixture
def scv(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Call the command line in this process: `scv("run", "2017-11-22")`."""
    from flows import cli

    def call(*arguments: str) -> Answer:
        capsys.readouterr()
        before, sys.argv = sys.argv, ["scv", *arguments]
        try:
            cli.main()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            sys.argv = before
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return call


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser of the machine."""
    found = shutil.which("chromium")
    if found is None:
        reason = "there is no Chromium here: apt-get install chromium"
        if os.environ.get("SCV_TEST_REQUIRE"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """One temporary Prefect server for the tests that run flows in this process."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    with (
        prefect_test_harness(server_startup_timeout=180),
        temporary_settings(updates={PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield


def _share(source: Path, target: Path) -> None:
    # Immutable files are shared by hard links; what is written in place is copied.
    def place(name: str, copy: str) -> None:
        if Path(name).suffix in (".duckdb", ".parquet", ".gz", ".csv"):
            os.link(name, copy)
        else:
            shutil.copy2(name, copy)

    shutil.copytree(source, target, symlinks=True, copy_function=place)
