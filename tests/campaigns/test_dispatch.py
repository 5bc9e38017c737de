"""An occurrence is sent once, and nobody gets two messages of a day, whatever reruns or crashes."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from flows.builds import live
from flows.campaigns import gate
from flows.campaigns.dispatch import dispatch
from flows.campaigns.gate import Decision
from flows.ledger import Ledger, Row, occurrences
from flows.settings import Instance

DAY = dt.date(2017, 11, 21)
BUILD = f"{DAY}-01"
CAMPAIGN = "store_news_email"


@pytest.fixture
def unsent(instance: Instance, ledger: Ledger) -> Ledger:
    """The ledger as it was before anything of the day was sent."""
    with ledger.write() as connection:
        connection.execute(sa.delete(occurrences).where(occurrences.c.business_date == DAY))
    return ledger


def decision(instance: Instance, verdict: str) -> Decision:
    """A decision on the campaign, with its audience in the build of the day."""
    due = gate.campaigns_due(live.path_of(instance, BUILD))
    return Decision(next(each for each in due if each.campaign_id == CAMPAIGN), verdict, "")


def begun(instance: Instance, ledger: Ledger, campaign: str, state: str, chosen: int) -> Path:
    """An occurrence of the day that is in the ledger already; returns its file."""
    path = instance.outbox / "email" / f"{campaign}__{DAY}.csv"
    ledger.add(
        occurrences,
        campaign_id=campaign,
        business_date=DAY,
        build_id=BUILD,
        channel="email",
        state=state,
        chosen=chosen,
        control=0,
        path=str(path),
    )
    return path


def row_of(ledger: Ledger, campaign: str) -> Row:
    """What the ledger says of the occurrence of the day."""
    query = sa.select(occurrences).where(occurrences.c.business_date == DAY)
    found = ledger.row(query.where(occurrences.c.campaign_id == campaign))
    assert found is not None
    return found


def customers(file: Path) -> set[int]:
    """The customers that a campaign file writes to."""
    return {int(line.split(",")[0]) for line in file.read_text().splitlines()[1:]}


def test_who_was_written_to_today_is_left_out_of_what_a_second_build_sends(
    instance: Instance, unsent: Ledger
) -> None:
    file = instance.outbox / "email" / f"{CAMPAIGN}__{DAY}.csv"
    wanted = customers(file)
    file.unlink()
    other = begun(instance, unsent, "win_back_email", "sent", 1)
    receipt = Path(f"{other}.receipt.parquet")
    receipt.unlink()
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select {min(wanted)} as customer_id, false as is_control) to '{receipt}' "
            "(format parquet)"
        )
    dispatch(instance, unsent, BUILD, DAY, [decision(instance, "go")])
    assert customers(file) == wanted - {min(wanted)}
    assert row_of(unsent, CAMPAIGN)["chosen"] == len(wanted) - 1


def test_what_a_crash_left_half_sent_is_finished_although_the_gate_would_hold_it_now(
    instance: Instance, unsent: Ledger
) -> None:
    file = begun(instance, unsent, CAMPAIGN, "sending", 0)
    before = file.read_bytes()
    file.unlink()
    sent = dispatch(instance, unsent, "another build", DAY, [decision(instance, "held")])
    assert [each.campaign_id for each in sent] == [CAMPAIGN]
    assert file.read_bytes() == before
    assert row_of(unsent, CAMPAIGN)["state"] == "sent"


def test_a_held_campaign_leaves_nothing_in_the_outbox(instance: Instance, unsent: Ledger) -> None:
    file = instance.outbox / "email" / f"{CAMPAIGN}__{DAY}.csv"
    file.unlink()
    assert dispatch(instance, unsent, BUILD, DAY, [decision(instance, "held")]) == []
    assert not file.exists()


def test_the_channels_manifest_names_each_file_with_its_rows_and_hash(instance: Instance) -> None:
    told = json.loads((instance.outbox / "email" / f"manifest__{DAY}.json").read_text())
    assert told["business_date"] == str(DAY)
    for entry in told["files"]:
        file = instance.outbox / "email" / entry["file"]
        assert entry["rows"] == len(customers(file))
        assert entry["idempotency_key"] == f"{entry['campaign_id']}:{DAY}"
    assert {entry["campaign_id"] for entry in told["files"]} >= {CAMPAIGN, "win_back_email"}
