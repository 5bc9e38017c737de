"""A night may be repeated, cut off, rolled back and read from: what is done once is done once.

Real nights of 2017-11-22, a Wednesday: three campaigns are due, one of them reads the coupons.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from demo.delivery import Client
from flows import slots
from flows.builds import fingerprints, live
from flows.contracts.files import read_contracts
from flows.errors import InstanceBusy
from flows.ledger import Ledger, builds, decisions, deliveries, occurrences, pins, publications
from flows.ledger import nights as nights_table
from flows.settings import PROJECT, Instance
from tests.conftest import NIGHTS, Answer, World
from tests.flows.spoiling import (
    DAY,
    Live,
    builds_of,
    newest,
    night_of,
    rows_of,
    sent_on,
    states,
)

Scv = Callable[..., Answer]
CONTRACTS = read_contracts()
DUE = {"welcome_email", "birthday_email", "coupon_lovers_email", "points_expiring_email"}
BUILD = f"{DAY}-01"
SCV = [sys.executable, "-c", "from flows.cli import main; main()"]


@pytest.fixture(autouse=True)
def _server(prefect_server: None) -> None:
    """Every test here runs the flow."""


# What a night takes, and what running it again does


def test_every_delivered_row_is_in_a_batch_or_in_quarantine(world: World) -> None:
    ledger = Ledger(f"sqlite:///{world.warehouse / 'demo' / 'ledger.sqlite'}")
    rows = ledger.rows(sa.select(deliveries))
    assert {(row["table_name"], row["business_date"]) for row in rows} == {
        (table, day) for table in CONTRACTS for day in NIGHTS
    }
    for row in rows:
        assert row["state"] == "arrived"
        assert row["rows_delivered"] == row["rows_accepted"] + row["rows_quarantined"]
        assert row["rows_accepted"] == rows_of(row["batch_path"])
        assert row["rows_quarantined"] == rows_of(row["quarantine_path"])
        assert row["rows_declared"] in (row["rows_delivered"], None)


def test_running_a_date_again_takes_builds_and_sends_nothing_again(
    delivered: Path, instance: Instance, ledger: Ledger, scv: Scv
) -> None:
    assert scv("run", str(DAY)).code == 0
    before, seen = told(ledger), Live.of(instance)
    files = written(instance.batches, instance.builds, instance.outbox, instance.quarantine)

    answer = scv("run", str(DAY))

    assert answer.code == 0
    assert "(taken before)" in answer.out
    assert told(ledger) == before
    after = written(instance.batches, instance.builds, instance.outbox, instance.quarantine)
    assert changed(files, after) == {outbox_manifest(instance)}
    assert Live.of(instance) == seen


def told(ledger: Ledger) -> dict[str, list[dict[str, object]]]:
    """Return everything the ledger holds, but for the nights and when decisions were made."""
    tables = [deliveries, builds, occurrences, publications]
    facts = {table.name: [dict(row) for row in ledger.rows(sa.select(table))] for table in tables}
    rows = ledger.rows(sa.select(decisions))
    facts["decisions"] = [
        {k: row[k] for k in ("build_id", "campaign_id", "verdict")} for row in rows
    ]
    return facts


def written(*folders: Path) -> dict[Path, tuple[int, int]]:
    """Return inode and time of the last change of every file below the folders."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


def changed(
    before: Mapping[Path, tuple[int, int]], after: Mapping[Path, tuple[int, int]]
) -> set[Path]:
    return {path for path in before | after if before.get(path) != after.get(path)}


def outbox_manifest(instance: Instance) -> Path:
    # It lists what was sent so far, and is written anew with the same words.
    return instance.outbox / "email" / f"manifest__{DAY}.json"


def test_a_date_before_the_live_one_is_refused(
    instance: Instance, ledger: Ledger, scv: Scv
) -> None:
    before = Live.of(instance)
    answer = scv("run", "2017-11-20")
    assert answer.code == 1
    assert "2017-11-20 is before it" in answer.err
    assert "scv rollback" in answer.err
    assert night_of(ledger, dt.date(2017, 11, 20))["state"] == "done"
    assert Live.of(instance) == before


def test_what_is_no_date_is_refused_in_a_sentence(instance: Instance, scv: Scv) -> None:
    answer = scv("run", "22/11/2017")
    assert (answer.code, answer.err) == (
        2,
        "Stopped: '22/11/2017' is not a date: write it as 2017-11-21.\n",
    )


# A table that does not come


def test_only_what_reads_a_missing_table_is_held_and_sent_once_it_came(
    delivered: Path, instance: Instance, ledger: Ledger, scv: Scv
) -> None:
    (delivered / "coupon_redemptions.jsonl").unlink()
    answer = scv("run", str(DAY))

    assert answer.code == 0
    assert states(ledger)["coupon_redemptions"] == "missing"
    assert newest(ledger, "coupon_redemptions")["batch_path"] is None
    assert_the_missing_table_is_named(answer)
    assert sent_on(ledger) == dict.fromkeys(DUE - {"coupon_lovers_email"}, "sent")
    assert not list(instance.outbox.rglob(f"*coupon_lovers_email__{DAY}*"))
    assert stale_sources(instance) == {"coupon_redemptions"}
    gone = written(instance.outbox)

    Client(instance.outbox).deliver(DAY, False, instance.deliveries)
    answer = scv("run", str(DAY))

    assert answer.code == 0
    assert live.current(instance) == f"{DAY}-02"
    assert builds_of(ledger) == {f"{DAY}-01": "published", f"{DAY}-02": "published"}
    assert sent_on(ledger) == dict.fromkeys(DUE, "sent")
    assert stale_sources(instance) == {""}
    arrived = {path.name for path in changed(gone, written(instance.outbox))}
    file = f"coupon_lovers_email__{DAY}.csv"
    assert arrived == {file, f"{file}.receipt.parquet", outbox_manifest(instance).name}
    assert "held" not in answer.out


def assert_the_missing_table_is_named(answer: Answer) -> None:
    said = " ".join(answer.out.split())
    assert f"coupon_lovers_email is held: coupon_redemptions for {DAY} is missing" in said
    assert f"Send the table, then run: scv run {DAY}" in said
    assert "welcome_email is held" not in said


def stale_sources(instance: Instance) -> set[str]:
    query = "select distinct stale_sources from marts.single_customer_view"
    with duckdb.connect(str(instance.live), read_only=True) as connection:
        return {str(row[0]) for row in connection.execute(query).fetchall()}


def test_without_the_sales_the_view_is_built_and_every_campaign_waits(
    delivered: Path, instance: Instance, ledger: Ledger, scv: Scv
) -> None:
    (delivered / "transactions.csv.gz").unlink()
    answer = scv("run", str(DAY))

    assert answer.code == 0
    assert states(ledger)["transactions"] == "missing"
    assert live.current(instance) == BUILD
    assert stale_sources(instance) == {"transactions"}
    held = ledger.rows(sa.select(decisions).where(decisions.c.business_date == DAY))
    assert {row["campaign_id"]: row["verdict"] for row in held} == dict.fromkeys(DUE, "held")
    for row in held:
        assert (
            f"transactions for {DAY} is missing, not here at 07:00 (contract: hold_dependent, "
            "decided by " in row["sentence"]
        )
    assert sent_on(ledger) == {}
    assert not list(instance.outbox.rglob(f"*{DAY}*"))


def test_without_the_product_master_yesterdays_stands_in_and_all_campaigns_go(
    delivered: Path, instance: Instance, ledger: Ledger, scv: Scv
) -> None:
    (delivered / "products.parquet").unlink()
    answer = scv("run", str(DAY))

    assert answer.code == 0
    assert states(ledger)["products"] == "missing"
    pinned = ledger.row(
        sa.select(pins).where(pins.c.build_id == BUILD, pins.c.table_name == "products")
    )
    assert pinned is not None
    assert (pinned["as_of_date"], pinned["hold"]) == (NIGHTS[-1], "nothing")
    assert "the rows of 2017-11-21 stand in, and no campaign is held" in pinned["sentence"]
    assert stale_sources(instance) == {"products"}
    assert sent_on(ledger) == dict.fromkeys(DUE, "sent")


# Live: back, forward, and read from all the time


def test_a_rollback_takes_live_back_and_a_run_takes_it_forward_again(
    instance: Instance, ledger: Ledger, scv: Scv
) -> None:
    before, gone, sent = Live.of(instance), written(instance.outbox), told(ledger)["occurrences"]

    answer = scv("rollback")
    assert (answer.code, live.current(instance)) == (0, "2017-11-20-01")
    assert "Live was 2017-11-21-01 and is 2017-11-20-01" in answer.out
    assert "scv run 2017-11-21" in answer.out

    answer = scv("run", "2017-11-21")
    assert (answer.code, (live.current(instance) or "")[:10]) == (0, "2017-11-21")
    assert live.path_of(instance, "2017-11-21-01").stat().st_ino == before.inode
    again = live.current(instance) or ""
    assert prints(instance, again) == prints(instance, "2017-11-21-01")
    assert told(ledger)["occurrences"] == sent
    manifests = {path for path in gone if path.name == "manifest__2017-11-21.json"}
    assert changed(gone, written(instance.outbox)) <= manifests


def prints(instance: Instance, build_id: str) -> dict[str, tuple[int, str]]:
    return fingerprints.take(live.path_of(instance, build_id))


def test_live_can_be_read_at_any_moment_of_a_night(
    delivered: Path, instance: Instance, scv: Scv, tmp_path: Path
) -> None:
    with reading(instance, tmp_path / "seen.txt"):
        assert scv("run", str(DAY)).code == 0
    # A line is cut off where the reader was.
    seen = [line.split() for line in (tmp_path / "seen.txt").read_text().splitlines()[:-1]]
    assert len(seen) > 20
    assert list(dict.fromkeys(build_id for build_id, _ in seen)) == ["2017-11-21-01", BUILD]
    assert all(int(customers) > 2000 for _, customers in seen)


READER = """
import sys, time, duckdb
while True:
    with duckdb.connect(sys.argv[1], read_only=True) as connection:
        query = "select max(build_id), count(*) from marts.single_customer_view"
        print(*connection.execute(query).fetchone(), flush=True)
    time.sleep(0.1)
"""


@contextmanager
def reading(instance: Instance, seen: Path) -> Iterator[None]:
    """Let another process read the view all the time, each time through a new connection."""
    complaints = seen.with_suffix(".err")
    with seen.open("w") as out, complaints.open("w") as err:
        reader = subprocess.Popen(
            [sys.executable, "-c", READER, str(instance.live)], stdout=out, stderr=err
        )
        try:
            yield
            # The last look is at what the night has left.
            time.sleep(2)
            assert reader.poll() is None, complaints.read_text()
        finally:
            reader.kill()
            reader.wait()


def test_a_second_batch_on_the_same_instance_is_refused(
    delivered: Path, instance: Instance, ledger: Ledger, scv: Scv
) -> None:
    before = Live.of(instance)
    with slots.hold(instance, ledger, "the night of 2017-11-20"):
        with pytest.raises(InstanceBusy), slots.hold(instance, ledger, "another"):
            pass
        answer, rollback = scv("run", str(DAY)), scv("rollback")
    assert (answer.code, rollback.code) == (1, 1)
    for said in (answer.err, rollback.err):
        assert "Another batch is running on demo" in said
        assert "scv status" in said
    assert states(ledger) == {}
    assert ledger.row(sa.select(nights_table).where(nights_table.c.business_date == DAY)) is None
    assert Live.of(instance) == before


# A night that is cut off


@pytest.fixture(scope="module")
def undisturbed(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What the night of 2017-11-22 comes to when nothing happens: by relation, and by file."""
    from flows.settings import read_instance
    from tests.conftest import _share

    root = tmp_path_factory.mktemp("undisturbed")
    _share(world.deliveries, root / "deliveries")
    _share(world.warehouse, root / "warehouse")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCV_DELIVERIES", str(root / "deliveries"))
        patch.setenv("SCV_WAREHOUSE", str(root / "warehouse"))
        read_instance.cache_clear()
        instance = read_instance()
        Client(instance.outbox).deliver(DAY, False, instance.deliveries)
        with started() as night:
            assert night.wait(timeout=200) == 0
        read_instance.cache_clear()
    return outcome(instance)


def outcome(instance: Instance) -> dict[str, object]:
    """Return the fingerprints of live, and the campaign files of the date."""
    files = sorted(instance.outbox.rglob(f"*__{DAY}.csv"))
    return {
        "relations": prints(instance, live.current(instance) or ""),
        "files": {path.name: path.read_bytes() for path in files},
    }


@contextmanager
def started(*, own_server: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """Start `scv run` of the date as a process of its own; at the end it is gone."""
    from prefect.settings import PREFECT_API_URL

    server = {} if own_server else {"PREFECT_API_URL": str(PREFECT_API_URL.value())}
    environment = os.environ | server
    night = subprocess.Popen(
        [*SCV, "run", str(DAY)],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield night
    finally:
        night.kill()
        night.wait()


def at_step(ledger: Ledger, name: str) -> bool:
    query = sa.select(nights_table).where(nights_table.c.business_date == DAY)
    row = ledger.row(query.order_by(nights_table.c.id.desc()))
    return row is not None and row["state"] == "running" and row["step"] == name


def intake_is_half_done(ledger: Ledger) -> bool:
    return at_step(ledger, "taking in the tables") and "consents" in states(ledger)


def dbt_is_building(ledger: Ledger) -> bool:
    candidate = Path(str(ledger.engine.url.database)).parent / "builds" / "candidate.duckdb.wal"
    return at_step(ledger, "building the view") and candidate.exists()


def publishing(ledger: Ledger) -> bool:
    return not any(at_step(ledger, step) for step in BEFORE_PUBLISHING) and bool(builds_of(ledger))


BEFORE_PUBLISHING = ("starting", "taking in the tables", "building the view")


def sending(ledger: Ledger) -> bool:
    return bool(sent_on(ledger))


@pytest.mark.parametrize(
    "moment", [intake_is_half_done, dbt_is_building, publishing, sending], ids=lambda f: f.__name__
)
def test_a_night_that_was_killed_is_made_whole_by_running_it_again(
    moment: Callable[[Ledger], bool],
    undisturbed: dict[str, object],
    delivered: Path,
    instance: Instance,
    ledger: Ledger,
    scv: Scv,
) -> None:
    before = Live.of(instance)
    with started() as night:
        wait_until(lambda: moment(ledger), night)
        children = children_of(night.pid)
        night.send_signal(signal.SIGKILL)
        night.wait()
    wait_until(lambda: not any(map(is_running, children)), limit=10)
    assert_live_is_whole(instance, before)

    answer = scv("run", str(DAY))

    assert answer.code == 0, answer.err
    assert outcome(instance) == undisturbed
    assert sent_on(ledger) == dict.fromkeys(DUE, "sent")
    assert "building" not in builds_of(ledger).values()
    assert night_of(ledger)["state"] == "done"
    assert running(ledger) == []
    assert not list(instance.builds.glob("candidate.duckdb*"))
    last = ledger.row(sa.select(publications).order_by(publications.c.id.desc()))
    assert last is not None
    assert last["build_id"] == live.current(instance)


def running(ledger: Ledger) -> list[object]:
    return list(ledger.rows(sa.select(nights_table).where(nights_table.c.state == "running")))


def wait_until(
    true: Callable[[], bool], night: subprocess.Popen[bytes] | None = None, limit: float = 120
) -> None:
    until = time.monotonic() + limit
    while not true():
        assert night is None or night.poll() is None, "the night was over before it was killed"
        assert time.monotonic() < until, f"waited {limit} s for nothing"
        time.sleep(0.005)


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started and that run."""
    children: list[int] = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        # A thread may end between its being listed and its being read.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            children += map(int, (thread / "children").read_text().split())
    return children


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def assert_live_is_whole(instance: Instance, before: Live) -> None:
    now = Live.of(instance)
    if now.build_id == before.build_id:
        assert now == before
    with duckdb.connect(str(instance.live), read_only=True) as connection:
        found = connection.execute(
            "select max(build_id), count(*) from marts.single_customer_view"
        ).fetchall()
    assert found[0][0] == now.build_id
    assert found[0][1] > 2000


def test_a_killed_night_leaves_no_process_behind_when_it_brought_its_own_server(
    delivered: Path, instance: Instance, ledger: Ledger
) -> None:
    with started(own_server=True) as night:
        wait_until(lambda: at_step(ledger, "taking in the tables"), night)
        children = children_of(night.pid)
        night.send_signal(signal.SIGKILL)
        night.wait()
    try:
        assert children
        wait_until(lambda: not any(map(is_running, children)), limit=10)
    finally:
        for child in filter(is_running, children):
            os.kill(child, signal.SIGKILL)
