"""What the hub wrote into its outbox comes back as events: once, and of those it was written to."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb
import pytest

from demo.channel import emails_of, texts_of
from demo.delivery import Client
from demo.newsletter import NEWSLETTERS, SENT_AT
from demo.responses import LONGEST, EmailEvent
from demo.source import Period
from tests.conftest import NEXT, NIGHTS, World

Event = dict[str, object]
SENT_ON = dt.date(2017, 11, 21)
ALL_DAYS = [SENT_ON + dt.timedelta(days=day) for day in range(-1, LONGEST + 4)]


@pytest.fixture(scope="module")
def outbox(world: World) -> Path:
    """The outbox of the world."""
    return world.warehouse / "demo" / "outbox"


@pytest.fixture(scope="module")
def told(world: World, next_delivery: Path) -> list[Event]:
    """The e-mail and text events of the hub's campaigns in all deliveries, with their date."""
    return [
        {**event, "date": day}
        for day in [*NIGHTS, NEXT]
        for event in delivered(next_delivery if day == NEXT else world.deliveries, day)
        if event["campaign_id"] not in ("newsletter", "monthly_text")
    ]


def delivered(deliveries: Path, day: dt.date) -> Iterable[Event]:
    """The events of one delivery."""
    folder = deliveries / str(day)
    with gzip.open(folder / "email_events.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)
    with (folder / "sms_events.csv").open(newline="") as file:
        yield from (
            {**row, "household_id": int(row["household_id"])} for row in csv.DictReader(file)
        )


def written_to(outbox: Path, until: dt.date) -> Counter[tuple[object, ...]]:
    """Campaign and customer of every e-mail and text up to a date: how often it was written."""
    found: Counter[tuple[object, ...]] = Counter()
    for path in [*outbox.glob("email/*.csv"), *outbox.glob("sms/*.csv")]:
        campaign, _, day = path.stem.partition("__")
        if day <= str(until):
            with path.open(newline="") as file:
                found.update((campaign, int(row["customer_id"])) for row in csv.DictReader(file))
    return found


def test_every_message_that_the_hub_wrote_is_delivered_or_comes_back_once(
    outbox: Path, told: list[Event]
) -> None:
    ends = Counter(
        (event["campaign_id"], event["household_id"])
        for event in told
        if event["event_type"] in ("delivered", "bounce", "failed")
    )
    assert ends == written_to(outbox, NIGHTS[-1])
    assert ends.total() > 900
    ids = [event["event_id"] for event in told]
    assert len(ids) == len(set(ids))


def test_what_was_sent_is_answered_too(told: list[Event]) -> None:
    kinds = Counter(event["event_type"] for event in told)
    assert kinds["open"] > kinds["click"] > 0


def test_nothing_is_told_of_customers_who_were_held_back(outbox: Path, told: list[Event]) -> None:
    receipts = [str(path) for path in outbox.glob("*/*.receipt.parquet")]
    with duckdb.connect() as connection:
        query = "select campaign_id, customer_id from read_parquet($1) where is_control"
        control = set(connection.execute(query, [receipts]).fetchall())
    assert len(control) > 20
    # One who is held back one night may be written to on another.
    only_held_back = control - set(written_to(outbox, NIGHTS[-1]))
    assert only_held_back
    assert not only_held_back & {(event["campaign_id"], event["household_id"]) for event in told}


def test_an_event_comes_after_the_night_and_with_the_delivery_of_its_date(
    told: list[Event],
) -> None:
    assert {event["date"] for event in told} == set([*NIGHTS, NEXT][2:])
    assert all(str(event["event_at"])[:10] == str(event["date"]) for event in told)


def test_a_delivery_that_is_written_again_is_the_same(
    outbox: Path, next_delivery: Path, tmp_path: Path
) -> None:
    Client(outbox).deliver(NEXT, False, tmp_path)
    for path in (tmp_path / str(NEXT)).iterdir():
        assert path.read_bytes() == (next_delivery / str(NEXT) / path.name).read_bytes(), path.name


def put(outbox: Path, campaign: str, customers: Sequence[int], *, named: bool = True) -> None:
    """Write a campaign file as the hub does, and its manifest."""
    folder = outbox / "email"
    folder.mkdir(parents=True, exist_ok=True)
    rows = "".join(f"{one},a@example.com,A,B,en\n" for one in customers)
    header = "customer_id,address,first_name,last_name,language_code\n"
    (folder / f"{campaign}__{SENT_ON}.csv").write_text(header + rows)
    entry = {
        "campaign_id": campaign,
        "idempotency_key": f"{campaign}:{SENT_ON}",
        "file": f"{campaign}__{SENT_ON}.csv",
    }
    told = {"business_date": str(SENT_ON), "files": [entry] if named else []}
    (folder / f"manifest__{SENT_ON}.json").write_text(json.dumps(told))


def by_day(outbox: Path) -> list[EmailEvent]:
    """What is told of an outbox, delivery by delivery."""
    return [
        event
        for day in ALL_DAYS
        for event in emails_of(outbox, Period(day, day))
        if event.event_at.date() == day
    ]


def test_told_day_by_day_it_is_what_is_told_at_once(tmp_path: Path) -> None:
    put(tmp_path, "welcome_email", range(1, 400))
    at_once = list(emails_of(tmp_path, Period(ALL_DAYS[0], ALL_DAYS[-1])))
    assert sorted(by_day(tmp_path), key=lambda e: e.event_id) == sorted(
        at_once, key=lambda e: e.event_id
    )
    assert {event.event_type for event in at_once} >= {"delivered", "open", "click", "bounce"}
    assert len({event.event_id for event in at_once}) == len(at_once)


def test_nothing_is_told_on_the_date_of_the_night_itself(tmp_path: Path) -> None:
    put(tmp_path, "welcome_email", [1, 2, 3])
    assert list(emails_of(tmp_path, Period(SENT_ON, SENT_ON))) == []


def test_a_file_that_no_manifest_names_was_not_sent(tmp_path: Path) -> None:
    put(tmp_path, "welcome_email", [1, 2, 3], named=False)
    assert by_day(tmp_path) == []


def test_without_an_outbox_there_is_only_what_the_client_sent_itself() -> None:
    period = Period(SENT_ON, SENT_ON)
    assert list(emails_of(None, period)) == list(texts_of(None, period)) == []


def test_newsletters_went_to_whoever_had_agreed_by_then() -> None:
    lists = Client().lists
    sent = {
        (event.household_id, dt.date.fromisoformat(event.send_id.split(":")[1]))
        for event in lists.email_events(Period(NEWSLETTERS[0], NEWSLETTERS[-1]))
    }
    assert len(sent) > 30_000
    for household, on in sent:
        for channel in ("global", "email"):
            answers = lists.answers[household, channel]
            assert [yes for when, yes in answers if when <= dt.datetime.combine(on, SENT_AT)][-1]
