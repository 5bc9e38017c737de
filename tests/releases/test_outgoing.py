"""The gate of a release: it opens when every campaign of the day is known to be out."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from flows.ledger import Ledger, nights, occurrences
from flows.releases.outgoing import not_settled
from flows.settings import Instance
from tests.conftest import NIGHTS, Answer

DAY = NIGHTS[-1]
BUILD = f"{DAY}-01"
NOW = dt.datetime(2017, 11, 22, 15, tzinfo=dt.UTC)  # an hour after the demo's last message
MARGIN = dt.timedelta(minutes=30)


def shut(instance: Instance, ledger: Ledger, now: dt.datetime = NOW) -> str:
    return " ".join(not_settled(instance, ledger, BUILD, MARGIN, now))


def told(instance: Instance, channel: str, **changes: object) -> None:
    """Let a channel say something else of its first file."""
    path = instance.outbox / channel / f"receipt__{DAY}.json"
    receipts = json.loads(path.read_text())
    receipts["files"][0] |= changes
    path.write_text(json.dumps(receipts))


@pytest.fixture
def channel(ledger: Ledger) -> str:
    """A channel that was handed a file on that day."""
    import sqlalchemy as sa

    row = ledger.row(sa.select(occurrences).where(occurrences.c.business_date == DAY))
    assert row is not None
    return str(row["channel"])


def test_it_is_open_when_every_channel_has_receipted_all_it_was_handed(
    instance: Instance, ledger: Ledger
) -> None:
    assert shut(instance, ledger) == ""


def test_it_is_shut_until_the_last_message_is_out_for_a_while(
    instance: Instance, ledger: Ledger
) -> None:
    assert "not 30 minutes ago" in shut(instance, ledger, NOW - dt.timedelta(minutes=45))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"status": "sending"}, "is sending, says"),
        ({"status": "failed"}, "is failed, says"),
        ({"rows": 1}, "has sent 1."),
        ({"idempotency_key": "another:2017-11-21"}, "has not receipted it"),
    ],
    ids=str,
)
def test_it_is_shut_while_a_channel_says_anything_but_that_all_is_sent(
    instance: Instance, ledger: Ledger, channel: str, change: dict[str, object], sentence: str
) -> None:
    told(instance, channel, **change)
    assert sentence in shut(instance, ledger)


@pytest.mark.parametrize("content", [None, "", "{}", '{"files": ['])
def test_not_knowing_counts_as_not_sent(
    instance: Instance, ledger: Ledger, channel: str, content: str | None
) -> None:
    path = instance.outbox / channel / f"receipt__{DAY}.json"
    path.unlink() if content is None else path.write_text(content)
    assert "has not receipted it" in shut(instance, ledger)


def test_a_campaign_that_the_gate_was_not_asked_about_keeps_it_shut(
    instance: Instance, ledger: Ledger
) -> None:
    from flows.ledger import decisions

    with ledger.write() as connection:
        connection.execute(occurrences.delete().where(occurrences.c.business_date == DAY))
        connection.execute(decisions.delete().where(decisions.c.business_date == DAY))
        connection.execute(nights.delete().where(nights.c.business_date == DAY))
    assert "the gate has not been asked" in shut(instance, ledger)


def test_a_campaign_that_is_held_or_cancelled_keeps_nobody_waiting(
    instance: Instance, ledger: Ledger, channel: str, scv
) -> None:
    from flows.ledger import decisions

    row = ledger.row(occurrences.select().where(occurrences.c.business_date == DAY))
    assert row is not None
    name = row["campaign_id"]
    ledger_of = (decisions.c.campaign_id == name) & (decisions.c.business_date == DAY)
    with ledger.write() as connection:
        connection.execute(occurrences.delete().where(occurrences.c.campaign_id == name))
    assert f"{name} is not out" in shut(instance, ledger)
    asked = ["cancel", name, str(DAY), "--who", "Ada", "--why", "The shop is shut."]
    answer: Answer = scv(*asked)
    assert answer.code == 0, answer.err
    assert shut(instance, ledger) == ""
    assert scv(*asked).code == 0  # twice is once
    with ledger.write() as connection:
        connection.exec_driver_sql("delete from cancellations")
    ledger.change(decisions, ledger_of, verdict="held")
    assert shut(instance, ledger) == ""


def test_what_is_out_cannot_be_cancelled(ledger: Ledger, scv) -> None:
    row = ledger.row(occurrences.select().where(occurrences.c.business_date == DAY))
    assert row is not None
    answer: Answer = scv("cancel", row["campaign_id"], str(DAY), "--who", "Ada", "--why", "Late")
    assert answer.code == 2
    assert "only the channel can stop it" in answer.err
    unknown: Answer = scv("cancel", "no_such", str(DAY), "--who", "Ada", "--why", "Late")
    assert unknown.code == 2
    assert "scv status" in unknown.err


def test_a_history_has_nothing_to_send(instance: Instance, ledger: Ledger) -> None:
    assert not_settled(instance, ledger, f"{NIGHTS[0]}-01", MARGIN, NOW) == []
