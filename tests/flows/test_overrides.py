"""What a person decides for one night: who, why, until when; quoted, and over when it is over."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from flows import clock, console
from flows.contracts.files import read_contracts
from flows.errors import SettingsWrong
from flows.intake.receive import receive
from flows.ledger import Ledger, decisions, overrides
from flows.overrides import in_force, override
from flows.settings import Instance
from flows.summary import read_day
from tests.conftest import Answer
from tests.flows.receiving import intake_of, judged
from tests.flows.spoiling import DAY, sent_on

Scv = Callable[..., Answer]
TOMORROW = DAY + dt.timedelta(days=1)
WHO, WHY = "Ann of CRM", "The till system is down until noon"


@pytest.fixture
def at(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Instance]:
    """An instance at whose client's it is so late, on the morning after the business date."""

    def late(clock_time: str, day: dt.date = TOMORROW) -> Instance:
        monkeypatch.setattr(clock, "_STARTED", time.monotonic())
        begins = dt.datetime.fromisoformat(f"{day}T{clock_time}")
        return instance.model_copy(update={"night_starts_at": begins})

    return late


def test_an_override_is_written_down_with_who_why_and_until_when(
    at: Callable[..., Instance], ledger: Ledger
) -> None:
    said = override(at("06:00"), "transactions", DAY, "notify_only", WHO, WHY, "09:00")
    assert f"transactions for {DAY}: notify_only until 09:00, decided by {WHO}" in said
    assert f"scv run {DAY}" in said
    row = ledger.row(sa.select(overrides))
    assert row is not None
    assert (row["who"], row["why"], row["policy"]) == (WHO, WHY, "notify_only")
    # New York is five hours behind in November.
    assert row["until"] == dt.datetime(2017, 11, 23, 14, 0)


def test_an_override_ends_with_its_time_and_never_outlives_its_date(
    at: Callable[..., Instance], ledger: Ledger
) -> None:
    override(at("06:00"), "transactions", DAY, "notify_only", WHO, WHY, "09:00")
    assert set(in_force(at("08:59"), ledger, DAY)) == {"transactions"}
    assert in_force(at("09:00"), ledger, DAY) == {}
    assert in_force(at("08:59"), ledger, TOMORROW) == {}
    assert in_force(at("06:00"), ledger, DAY - dt.timedelta(days=1)) == {}


def test_the_newest_of_two_overrides_is_in_force(
    at: Callable[..., Instance], ledger: Ledger
) -> None:
    for policy in ("notify_only", "hold_all"):
        override(at("06:00"), "transactions", DAY, policy, WHO, WHY, "09:00")
    assert in_force(at("07:00"), ledger, DAY)["transactions"].policy == "hold_all"


@pytest.mark.parametrize(
    ("table", "policy", "who", "why", "until", "said"),
    [
        ("transaction", "notify_only", WHO, WHY, "09:00", "no contract for transaction"),
        ("transactions", "go_on", WHO, WHY, "09:00", "'go_on' is no policy: hold_all"),
        ("transactions", "notify_only", " ", WHY, "09:00", "who decided and why"),
        ("transactions", "notify_only", WHO, "", "09:00", "who decided and why"),
        ("transactions", "notify_only", WHO, WHY, "tomorrow", "'tomorrow' is not a time"),
    ],
)
def test_an_override_that_does_not_say_what_it_must_is_refused(
    table: str,
    policy: str,
    who: str,
    why: str,
    until: str,
    said: str,
    instance: Instance,
    ledger: Ledger,
) -> None:
    with pytest.raises(SettingsWrong, match=said):
        override(instance, table, DAY, policy, who, why, until)
    assert ledger.rows(sa.select(overrides)) == []


@pytest.mark.parametrize("policy", ["notify_only", "use_last_good"])
def test_no_override_lets_anybody_be_written_to_on_stale_consents(
    policy: str, instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    (delivered / "consents.jsonl").unlink()
    intake = intake_of(instance, ledger, "consents")
    override(instance, "consents", DAY, policy, WHO, WHY, "23:59")
    verdict = judged(intake, receive(intake))
    assert verdict.overridden
    assert (verdict.hold, verdict.holds_every_send) == ("everything", True)
    assert verdict.is_stale(DAY)
    patient = replace(intake, contract=intake.contract.model_copy(update={"stale_limit_days": 3}))
    verdict = judged(patient, receive(patient))
    assert verdict.is_stale(DAY)
    assert not verdict.counts_as_fresh


def test_the_gate_and_the_summary_quote_an_override(
    instance: Instance,
    ledger: Ledger,
    delivered: Path,
    scv: Scv,
    prefect_server: None,
) -> None:
    (delivered / "coupon_redemptions.jsonl").unlink()
    told = ("--policy", "notify_only", "--who", WHO, "--why", WHY, "--until", "23:59")
    assert scv("override", "coupon_redemptions", str(DAY), *told).code == 0

    answer = scv("run", str(DAY))

    assert answer.code == 0, answer.err
    assert "coupon_lovers_email" in sent_on(ledger)
    query = sa.select(decisions.c.sentence).where(
        decisions.c.business_date == DAY, decisions.c.campaign_id == "coupon_lovers_email"
    )
    row = ledger.row(query)
    assert row is not None
    until = f"{dt.datetime.now(instance.time_zone):%Y-%m-%d} 23:59"
    quoted = f"decided by {WHO} until {until}: {WHY}"
    for words in ("goes under an override", "notify_only", quoted):
        assert words in row["sentence"]
    for said in (answer.out, scv("status").out):
        assert f"coupon_redemptions is overridden: notify_only until {until}, decided by {WHO}" in (
            " ".join(said.split())
        )
    assert [row["who"] for row in read_day(ledger, DAY).overrides] == [WHO]
    page = instance.page_of(DAY).read_text()
    assert WHO in page
    assert WHY in page
    asked = scv("gate", str(DAY)).out
    assert WHO in asked


def test_what_an_override_says_is_shown_as_over_when_it_is(
    at: Callable[..., Instance], ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    override(at("06:00"), "transactions", DAY, "notify_only", WHO, WHY, "09:00")
    console.show_day(at("09:30"), read_day(ledger, DAY))
    assert "until 2017-11-23 09:00 (over)" in " ".join(capsys.readouterr().out.split())


def test_every_table_can_be_overridden_by_name(instance: Instance) -> None:
    for table in read_contracts():
        assert table in override(instance, table, DAY, "hold_all", WHO, WHY, "09:00")


@pytest.mark.parametrize("table", ["consents", "products"])
def test_what_cannot_count_as_empty_cannot_be_overridden_to(
    instance: Instance, ledger: Ledger, table: str
) -> None:
    with pytest.raises(SettingsWrong, match="cannot count as empty"):
        override(instance, table, DAY, "proceed_empty", WHO, WHY, "23:59")
    assert ledger.rows(sa.select(overrides)) == []
