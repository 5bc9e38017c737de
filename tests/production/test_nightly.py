"""The scheduled night runs the code of a release, in a process that ends with its starter."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flows.ledger import Ledger, nights, now
from flows.nightly import business_date_now, run_night
from flows.releases.worktrees import Release
from flows.settings import Instance
from tests.conftest import PROJECT

DAY = dt.date(2017, 11, 22)
HEAD = "import os, sys\nfrom pathlib import Path\n"
WRITES_DOWN = """
import sqlite3
with sqlite3.connect(Path(os.environ["SCV_WAREHOUSE"], "demo", "ledger.sqlite")) as ledger:
    ledger.execute(
        "insert into nights (business_date, step, state, sentence, started_at) "
        "values ('2017-11-22', 'x', '{state}', '{sentence}', '2017-11-23 00:00:00.000000')"
    )
"""


def released(folder: Path, program: str) -> Release:
    """A release whose `scv` is a small program."""
    (folder / "flows").mkdir(parents=True)
    (folder / "flows" / "__init__.py").touch()
    (folder / "flows" / "cli.py").write_text(HEAD + program)
    return Release("0123456789ab", folder)


@pytest.fixture
def bare(tmp_path: Path) -> Instance:
    """An instance in which nothing has happened."""
    return Instance(warehouse=tmp_path / "warehouse", deliveries=tmp_path / "deliveries")


@pytest.mark.parametrize(
    ("starts", "day"),
    [
        (dt.datetime(2017, 11, 22, 22, 0), DAY),
        (dt.datetime(2017, 11, 22, 23, 59), DAY),
        (dt.datetime(2017, 11, 23, 0, 5), DAY),
        # The played clock runs on while other tests do.
        (dt.datetime(2017, 11, 23, 8, 0), DAY),
        (dt.datetime(2017, 11, 23, 12, 0), DAY + dt.timedelta(days=1)),
    ],
)
def test_a_night_that_starts_after_midnight_belongs_to_the_day_before(
    starts: dt.datetime, day: dt.date, bare: Instance
) -> None:
    assert business_date_now(bare.model_copy(update={"night_starts_at": starts})) == day


def test_a_night_runs_in_the_folder_of_its_release_and_is_heard(
    bare: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT__FLOW_RUN_ID", "that of the flow that starts it")
    release = released(
        tmp_path / "release",
        WRITES_DOWN.format(state="done", sentence="Twelve campaigns sent.") + "import flows\n"
        "print(sys.argv[1:], Path.cwd() == Path(flows.__file__).parents[1])\n"
        "print()\n"
        "print(os.environ['SCV_WAREHOUSE'], 'PREFECT__FLOW_RUN_ID' in os.environ)\n"
        "print('a traceback with a value', file=sys.stderr)",
    )
    heard: list[str] = []
    ended = run_night(release, bare, DAY, heard.append)
    assert (ended.code, ended.sentence) == (0, "Twelve campaigns sent.")
    assert heard == ["['run', '2017-11-22'] True", f"{bare.warehouse} False"]
    assert not list((bare.root / "logs").iterdir())


def test_a_night_that_did_nothing_did_not_end_well(bare: Instance, tmp_path: Path) -> None:
    ended = run_night(released(tmp_path / "release", ""), bare, DAY)
    assert ended.code == 1
    assert "ended before it began" in ended.sentence


def test_a_night_that_stops_ends_with_its_own_sentence(bare: Instance, tmp_path: Path) -> None:
    release = released(
        tmp_path / "release",
        "print('Stopped: The disk is full. Make room.', file=sys.stderr)\n"
        "print('a late line of a library', file=sys.stderr)\n"
        "sys.exit(3)",
    )
    ended = run_night(release, bare, DAY)
    assert (ended.code, ended.sentence) == (3, "The disk is full. Make room.")


def test_a_night_that_breaks_says_what_the_ledger_knows_and_no_value(
    bare: Instance, tmp_path: Path
) -> None:
    ledger = Ledger(bare.ledger_url)
    ledger.add(nights, business_date=DAY, step="x", state="done", sentence="old", started_at=now())
    program = WRITES_DOWN.format(state="stopped", sentence="Ended by ValueError")
    program += "raise ValueError('ann@example.com')"
    heard: list[str] = []
    ended = run_night(released(tmp_path / "release", program), bare, DAY, heard.append)
    assert (ended.code, ended.sentence) == (1, "Ended by ValueError")
    assert not heard
    assert "ann@example.com" in (bare.root / "logs" / f"night-{DAY}.txt").read_text()


def test_a_night_that_is_killed_says_to_run_it_again(bare: Instance, tmp_path: Path) -> None:
    release = released(tmp_path / "release", "os.kill(os.getpid(), 9)")
    ended = run_night(release, bare, DAY)
    assert ended.code == -signal.SIGKILL
    assert "Run the date again: scv run 2017-11-22" in ended.sentence


def test_a_night_dies_with_the_flow_that_started_it(bare: Instance, tmp_path: Path) -> None:
    """The fifo's other end is closed when the last process of the night has gone."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    released(
        tmp_path / "release",
        f"held = open({str(fifo)!r}, 'w')\n"
        "import subprocess, time\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],\n"
        "                 pass_fds=[held.fileno()])\n"
        "held.write('begun')\n"
        "held.flush()\n"
        "time.sleep(600)",
    )
    starter = subprocess.Popen([sys.executable, "-c", STARTER, str(tmp_path)], cwd=PROJECT)
    with fifo.open() as held:
        assert held.read(5) == "begun"
        starter.kill()
        starter.wait()
        assert held.read() == ""


STARTER = """
import datetime as dt, sys
from pathlib import Path
from flows.nightly import run_night
from flows.releases.worktrees import Release
from flows.settings import Instance

root = Path(sys.argv[1])
instance = Instance(warehouse=root / "warehouse", deliveries=root / "deliveries")
run_night(Release("0123456789ab", root / "release"), instance, dt.date(2017, 11, 22))
"""


def test_without_a_release_the_code_of_this_checkout_runs(instance: Instance) -> None:
    """A date before the one that is live is refused, by the real `scv run`."""
    ended = run_night(None, instance, dt.date(2017, 11, 20))
    assert ended.code == 1
    assert ended.sentence.startswith("Live is 2017-11-21-01, and 2017-11-20 is before it")
