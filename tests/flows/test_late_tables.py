"""What comes late is awaited until its deadline, while the clock of a played night runs."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from demo.delivery import Client
from flows import clock
from flows.builds import live
from flows.contracts.contract import Contract
from flows.contracts.files import read_contracts
from flows.errors import NothingDelivered
from flows.intake.intake import Intake, Received
from flows.intake.receive import receive
from flows.intake.sources.declared import Files
from flows.ledger import Ledger
from flows.settings import Instance
from flows.tables import intakes, read_the_manifest, take_in
from tests.conftest import Answer
from tests.flows.receiving import intake_of
from tests.flows.spoiling import DAY, builds_of, newest, night_of, sent_on, states
from tests.flows.test_states import versions
from tests.sources.sftp_server import SftpServer

Scv = Callable[..., Answer]
COUPONS, MAILINGS, PRODUCTS = "coupon_redemptions", "campaign_mailings", "products"
TOMORROW = DAY + dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _server(prefect_server: None) -> None:
    """Prefect looks again."""


@dataclass
class Night:
    """The intake of a night whose clock starts when the test says."""

    instance: Instance
    ledger: Ledger
    monkeypatch: pytest.MonkeyPatch
    said: list[str] = field(default_factory=list)

    def at(self, started: str) -> Instance:
        """Let it be so late at the client's now, on the morning after the business date."""
        self.monkeypatch.setattr(clock, "_STARTED", time.monotonic())
        begins = dt.datetime.fromisoformat(f"{TOMORROW}T{started}")
        played = {"night_starts_at": begins, "look_every_seconds": 1}
        return self.instance.model_copy(update=played)

    def take_in(self, started: str, *tables: str) -> dict[str, Received]:
        """Take in some tables of the date, and wait for them."""
        asked = [intake_of(self.at(started), self.ledger, table) for table in tables]
        return {each.table: each for each in take_in(asked, DAY, self.said.append)}


@pytest.fixture
def night(instance: Instance, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Night:
    """A night in which `SCV_LOOK_EVERY_SECONDS` is 1."""
    return Night(instance, ledger, monkeypatch)


@contextmanager
def delivering(deliver: Callable[[], object], once: Callable[[], bool]) -> Iterator[None]:
    """Let the client deliver from a thread of its own, once something has happened."""
    over = threading.Event()

    def run() -> None:
        while not once() and not over.wait(0.02):
            pass
        if not over.is_set():
            deliver()

    client = threading.Thread(target=run)
    client.start()
    try:
        yield
    finally:
        over.set()
        client.join()


def is_late(ledger: Ledger, table: str) -> Callable[[], bool]:
    return lambda: ("late", False) in versions(ledger, table)


def test_a_table_that_comes_before_its_deadline_is_taken_and_the_others_meanwhile(
    night: Night, ledger: Ledger, delivered: Path
) -> None:
    file, kept = delivered / f"{COUPONS}.jsonl", delivered / "kept"
    file.rename(kept)
    with delivering(lambda: kept.rename(file), once=is_late(ledger, COUPONS)):
        received = night.take_in("05:29:59", COUPONS, MAILINGS)
    assert {name: each.state for name, each in received.items()} == {
        COUPONS: "arrived",
        MAILINGS: "arrived",
    }
    assert versions(ledger, COUPONS) == [("late", False), ("arrived", True)]
    assert newest(ledger, MAILINGS)["received_at"] < newest(ledger, COUPONS)["received_at"]
    assert night.said
    assert set(night.said) == {f"awaiting {COUPONS} until 06:30"}


def test_a_late_row_says_until_when_a_table_is_awaited_and_whom_to_ask(
    night: Night, ledger: Ledger, delivered: Path
) -> None:
    file, kept = delivered / f"{COUPONS}.jsonl", delivered / "kept"
    file.rename(kept)
    found: list[str] = []

    def deliver() -> None:
        found.append(str(newest(ledger, COUPONS)["sentence"]))
        kept.rename(file)

    with delivering(deliver, once=is_late(ledger, COUPONS)):
        night.take_in("05:40:00", COUPONS)
    for words in ("Awaited until 06:30, promised for 05:30.", "is not here", "Ask "):
        assert words in found[0]


def test_what_comes_before_it_was_promised_was_never_late(
    night: Night, ledger: Ledger, delivered: Path
) -> None:
    file, kept = delivered / f"{COUPONS}.jsonl", delivered / "kept"
    file.rename(kept)
    with delivering(lambda: kept.rename(file), once=lambda: bool(night.said)):
        night.take_in("05:00:00", COUPONS)
    assert versions(ledger, COUPONS) == [("arrived", True)]


def test_what_is_not_here_at_its_deadline_is_missing_and_keeps_no_other_table_waiting(
    night: Night, ledger: Ledger, delivered: Path
) -> None:
    # The products are awaited until 06:30, the sales until 07:00: they come at once after.
    file, kept = delivered / "transactions.csv.gz", delivered / "kept"
    file.rename(kept)
    (delivered / "products.parquet").unlink()
    with delivering(
        lambda: kept.rename(file), once=lambda: ("missing", False) in versions(ledger, PRODUCTS)
    ):
        received = night.take_in("06:29:57", PRODUCTS, "transactions")
    assert received[PRODUCTS].state == "missing"
    assert received["transactions"].state == "arrived"
    assert versions(ledger, PRODUCTS) == [("late", False), ("missing", False)]
    assert versions(ledger, "transactions") == [("late", False), ("arrived", True)]


def test_a_file_that_is_still_being_written_is_awaited(
    night: Night, ledger: Ledger, delivered: Path
) -> None:
    file = delivered / f"{COUPONS}.jsonl"
    part = file.rename(file.with_name(f"{file.name}.part"))
    with delivering(lambda: part.rename(file), once=is_late(ledger, COUPONS)):
        received = night.take_in("06:00:00", COUPONS)
    assert received[COUPONS].state == "arrived"


def test_a_table_that_comes_with_another_manifest_is_held_against_that_one(
    night: Night, ledger: Ledger, delivered: Path
) -> None:
    manifest = delivered / "manifest.json"
    file, whole = delivered / f"{COUPONS}.jsonl", manifest.read_bytes()
    kept = file.rename(delivered / "kept")
    manifest.write_bytes(whole.replace(b'"coupon_redemptions"', b'"not_yet"'))

    def deliver() -> None:
        manifest.write_bytes(whole)
        kept.rename(file)

    with delivering(deliver, once=is_late(ledger, COUPONS)):
        received = night.take_in("06:00:00", COUPONS)
    assert received[COUPONS].state == "arrived", received[COUPONS].sentence


def test_the_manifest_itself_is_awaited_and_its_absence_stops_the_night_at_the_deadline(
    night: Night, delivered: Path
) -> None:
    manifest, said = delivered / "manifest.json", list[str]()
    kept = manifest.rename(delivered / "kept")
    with delivering(lambda: kept.rename(manifest), once=lambda: bool(said)):
        found = read_the_manifest(night.at("06:59:00"), read_contracts(), DAY, said.append)
    assert found.business_date == DAY
    assert said == ["awaiting the manifest until 07:00"]
    manifest.unlink()
    with pytest.raises(NothingDelivered, match="Ask the client"):
        read_the_manifest(night.at("06:59:59"), read_contracts(), DAY, said.append)


@pytest.mark.parametrize(("password", "state"), [("wrong", "missing"), (None, "late")])
def test_a_server_that_refuses_us_is_not_waited_for_and_one_without_the_file_is(
    password: str | None,
    state: str,
    instance: Instance,
    ledger: Ledger,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "out").mkdir()
    intake = intake_of(instance, ledger, COUPONS)
    with SftpServer(tmp_path) as server:
        monkeypatch.setenv("HUB_PASSWORD", password or server.password)
        source = Files(
            kind="files",
            description="A server of the test's own.",
            store=f"sftp://127.0.0.1:{server.port}/out",
            username=server.username,
            password="${HUB_PASSWORD}",
            host_key=server.host_key(),
            tables=intake.source.tables,
        )
        received = receive(replace(intake, source=source), awaited=True)
    assert received.state == state
    assert "run: scv run" in received.sentence


# What comes after the view was published without it


def deciding(monkeypatch: pytest.MonkeyPatch, table: str, **decided: Any) -> dict[str, Contract]:
    """Let the night read a contract that decided otherwise."""
    contracts = read_contracts()
    contracts[table] = contracts[table].model_copy(update=decided)
    monkeypatch.setattr("flows.daily.read_contracts", lambda: contracts)
    return contracts


def test_what_is_left_for_tomorrow_rebuilds_nothing_and_is_taken_on_the_next_night(
    instance: Instance,
    ledger: Ledger,
    delivered: Path,
    scv: Scv,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    contracts = deciding(monkeypatch, COUPONS, late_arrival="tomorrow")
    file = delivered / f"{COUPONS}.jsonl"
    kept = file.rename(delivered / "kept")
    assert scv("run", str(DAY)).code == 0
    kept.rename(file)

    answer = scv("run", str(DAY))

    assert answer.code == 0, answer.err
    said = " ".join(answer.out.split())
    assert f"{COUPONS} was not here when {DAY} was published" in said
    assert "taken in with the next night" in said
    assert builds_of(ledger) == {f"{DAY}-01": "published"}
    assert live.current(instance) == f"{DAY}-01"
    assert states(ledger)[COUPONS] == "missing"
    assert "coupon_lovers_email" not in sent_on(ledger)
    assert night_of(ledger)["sentence"] == "3 campaigns sent, 1 held."

    Client(instance.outbox).deliver(TOMORROW, False, instance.deliveries)
    manifest = intake_of(instance, ledger, COUPONS, TOMORROW).manifest
    asked = [
        each
        for each in intakes(instance, ledger, contracts, manifest, TOMORROW)
        if each.contract.table == COUPONS
    ]
    assert [each.day for each in asked] == [DAY, TOMORROW]
    received = take_in(asked, TOMORROW, print)
    assert [each.state for each in received] == ["arrived"]
    assert versions(ledger, COUPONS) == [("missing", False), ("arrived", True)]
    assert versions(ledger, COUPONS, TOMORROW) == [("arrived", True)]


def test_the_next_night_finds_nothing_of_what_never_came_and_says_so(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    (delivered / f"{COUPONS}.jsonl").unlink()
    assert receive(intake_of(instance, ledger, COUPONS)).state == "missing"
    contracts = {COUPONS: read_contracts()[COUPONS]}
    Client(instance.outbox).deliver(TOMORROW, False, instance.deliveries)
    manifest = intake_of(instance, ledger, COUPONS, TOMORROW).manifest
    asked: list[Intake] = intakes(instance, ledger, contracts, manifest, TOMORROW)
    received = take_in(asked, TOMORROW, print)
    assert [each.state for each in received] == ["arrived"]
    assert versions(ledger, COUPONS) == [("missing", False), ("missing", False)]
