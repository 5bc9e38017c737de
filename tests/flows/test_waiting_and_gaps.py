"""Nights on which something is late, was skipped, or has to make room."""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from demo.delivery import Client
from flows.builds import live, retention
from flows.contracts.contract import read_contracts
from flows.intake.manifest import read_manifest
from flows.intake.receive import Intake, accepted_delivery, receive
from flows.ledger import Ledger, deliveries
from flows.settings import Instance, read_instance
from tests.conftest import NEXT, Answer

Scv = Callable[..., Answer]
DAY_AFTER = NEXT + dt.timedelta(days=1)


def test_a_file_that_comes_while_there_is_patience_is_waited_for(
    delivered: Path,
    ledger: Ledger,
    scv: Scv,
    prefect_server: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SCV_PATIENCE", "3")
    monkeypatch.setenv("SCV_PATIENCE_SECONDS", "2")
    read_instance.cache_clear()
    late, aside = delivered / "consents.jsonl", delivered / "not-yet"
    late.rename(aside)
    threading.Thread(target=lambda: (time.sleep(4), aside.rename(late))).start()
    answer = scv("run", NEXT.isoformat())
    assert answer.code == 0, answer.err
    query = sa.select(deliveries.c.state).where(
        deliveries.c.table_name == "consents", deliveries.c.business_date == NEXT
    )
    assert [row["state"] for row in ledger.rows(query)] == ["arrived"]


def test_a_delivered_date_cannot_be_skipped(
    instance: Instance, delivered: Path, scv: Scv, prefect_server: None
) -> None:
    Client().deliver(DAY_AFTER, False, instance.deliveries)
    answer = scv("run", DAY_AFTER.isoformat())
    assert answer.code == 1
    assert f"Run it first: scv run {NEXT}" in answer.err
    assert live.current(instance) == "2017-11-21-01"


def test_after_a_date_without_delivery_the_database_is_asked_for_both_days(
    instance: Instance, ledger: Ledger
) -> None:
    Client().deliver(DAY_AFTER, False, instance.deliveries)
    with sqlite3.connect(instance.deliveries / "crm.sqlite") as crm:
        rows = crm.execute(
            "select count(*) from households where updated_at >= ? and updated_at < ?",
            [NEXT.isoformat(), (DAY_AFTER + dt.timedelta(days=1)).isoformat()],
        ).fetchone()[0]
    manifest = read_manifest(instance, DAY_AFTER)
    told = manifest.model_copy(update={"tables": ()})
    contract = read_contracts()["households"]
    received = receive(Intake(instance, ledger, contract, DAY_AFTER, told))
    assert received.counts is not None
    assert received.counts.accepted == rows
    assert received.counts.quarantined == 0


def test_a_no_that_comes_a_day_late_still_counts(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    path = delivered / "consents.jsonl"
    late = (
        '{"household_id": 1, "channel": "email", "status": "opt_out", '
        '"event_at": "2017-11-20T12:00:00Z", "capture_source": "service_desk"}\n'
    )
    path.write_text(path.read_text() + late)
    told = read_manifest(instance, NEXT)
    entry = told.entry("consents")
    assert entry is not None
    changed = entry.model_copy(update={"rows": entry.rows + 1, "sha256": None})
    manifest = told.model_copy(update={"tables": (changed,)})
    received = receive(Intake(instance, ledger, read_contracts()["consents"], NEXT, manifest))
    assert received.state == "arrived", received.sentence
    taken = accepted_delivery(ledger, "consents", NEXT)
    assert taken is not None
    with duckdb.connect() as connection:
        found = connection.execute(
            "select count(*) from read_parquet(?) where event_at = '2017-11-20 12:00:00'",
            [taken["batch_path"]],
        ).fetchall()
    assert found == [(1,)]


def test_old_builds_make_room_and_live_never_does(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCV_KEEP_BUILDS", "2")
    read_instance.cache_clear()
    removed = retention.remove_old_builds(read_instance())
    assert removed == ["2017-11-18-01", "2017-11-19-01"]
    left = sorted(path.stem for path in instance.builds.glob("2*.duckdb"))
    assert left == ["2017-11-20-01", "2017-11-21-01"]
    with duckdb.connect(str(instance.live), read_only=True) as connection:
        assert connection.execute("select count(*) from marts.single_customer_view").fetchall()
