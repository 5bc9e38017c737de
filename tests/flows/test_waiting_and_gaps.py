"""Nights of which one was skipped, and old ones that have to make room."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from demo.delivery import Client
from flows.builds import live, retention
from flows.intake.history import accepted_delivery
from flows.intake.manifest import no_manifest, read_manifest
from flows.intake.receive import receive
from flows.ledger import Ledger
from flows.settings import Instance, read_instance
from tests.conftest import NEXT, Answer
from tests.flows.receiving import intake_of

Scv = Callable[..., Answer]
DAY_AFTER = NEXT + dt.timedelta(days=1)


def test_a_delivered_date_cannot_be_skipped(
    instance: Instance, delivered: Path, scv: Scv, prefect_server: None
) -> None:
    Client(instance.outbox).deliver(DAY_AFTER, False, instance.deliveries)
    answer = scv("run", DAY_AFTER.isoformat())
    assert answer.code == 1
    assert f"Run it first: scv run {NEXT}" in answer.err
    assert live.current(instance) == "2017-11-21-01"


def test_after_a_date_without_delivery_the_database_is_asked_for_both_days(
    instance: Instance, ledger: Ledger
) -> None:
    Client(instance.outbox).deliver(DAY_AFTER, False, instance.deliveries)
    with sqlite3.connect(instance.deliveries / "crm.sqlite") as crm:
        rows = crm.execute(
            "select count(*) from households where updated_at >= ? and updated_at < ?",
            [NEXT.isoformat(), (DAY_AFTER + dt.timedelta(days=1)).isoformat()],
        ).fetchone()[0]
    untold = no_manifest(instance, DAY_AFTER)
    asked = intake_of(instance, ledger, "households", DAY_AFTER)
    received = receive(replace(asked, manifest=untold))
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
    received = receive(replace(intake_of(instance, ledger, "consents"), manifest=manifest))
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
