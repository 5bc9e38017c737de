"""Each state of a table on a business date, found in real files, and what follows from it."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from demo.delivery import Client
from flows.contracts.calendar import Expected
from flows.contracts.files import read_contracts
from flows.intake.receive import receive
from flows.ledger import Ledger, deliveries
from flows.overrides import override
from flows.settings import Instance
from tests.flows.receiving import deliver_weeks, intake_of, judged, taken_in
from tests.flows.spoiling import DAY, content, file_of, newest, put, rewrite, rows_of, tell

YESTERDAY = DAY - dt.timedelta(days=1)
RUN_AGAIN = f"scv run {DAY}"
HEADER = "basket_id,product_id"


def versions(ledger: Ledger, table: str, day: dt.date = DAY) -> list[tuple[str, bool]]:
    """State of each delivery of a date, and whether its batch may be used."""
    query = sa.select(deliveries).where(
        deliveries.c.table_name == table, deliveries.c.business_date == day
    )
    rows = ledger.rows(query.order_by(deliveries.c.version))
    return [(row["state"], row["taken"]) for row in rows]


# arrived, missing, late


def test_what_is_whole_and_as_agreed_has_arrived(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    received = taken_in(instance, ledger, "coupon_redemptions")
    assert (received.state, received.sentence) == ("arrived", "")
    assert versions(ledger, "coupon_redemptions") == [("arrived", True)]


def test_what_is_not_there_is_missing_and_the_sentence_says_whom_to_ask(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    (delivered / "coupon_redemptions.jsonl").unlink()
    intake = intake_of(instance, ledger, "coupon_redemptions")
    received = receive(intake)
    assert received.state == "missing"
    for words in (
        "coupon_redemptions for 2017-11-22 is not here",
        intake.contract.owner,
        RUN_AGAIN,
    ):
        assert words in received.sentence
    assert versions(ledger, "coupon_redemptions") == [("missing", False)]
    verdict = judged(intake, received)
    assert (verdict.hold, verdict.as_of, verdict.is_stale(DAY)) == ("dependent", YESTERDAY, True)


def test_what_is_awaited_is_late_and_not_written_off(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    (delivered / "coupon_redemptions.jsonl").unlink()
    received = receive(intake_of(instance, ledger, "coupon_redemptions"), awaited=True)
    assert received.state == "late"
    assert versions(ledger, "coupon_redemptions") == []


def test_a_file_that_is_not_finished_is_waited_for_and_not_read(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    file = delivered / "coupon_redemptions.jsonl"
    file.rename(file.with_name(f"{file.name}.part"))
    intake = intake_of(instance, ledger, "coupon_redemptions")
    assert receive(intake, awaited=True).state == "late"
    received = receive(intake)
    assert received.state == "missing"
    assert "is still arriving" in received.sentence


def test_a_file_that_came_whole_and_is_gone_again_stays_taken(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    assert taken_in(instance, ledger, "coupon_redemptions").state == "arrived"
    (delivered / "coupon_redemptions.jsonl").unlink()
    again = taken_in(instance, ledger, "coupon_redemptions")
    assert (again.state, again.taken_before) == ("arrived", True)


# short, empty, invalid, wrong_day


def test_fewer_rows_than_the_manifest_says_are_short(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    rows = newest_rows(instance, ledger, "coupon_redemptions")
    tell(delivered, "coupon_redemptions", rows=rows + 1)
    received = taken_in(instance, ledger, "coupon_redemptions")
    assert received.state == "short"
    assert f"the manifest says {rows + 1} rows, {rows} came" in received.sentence


def newest_rows(instance: Instance, ledger: Ledger, table: str) -> int:
    """How many rows the client says it has sent."""
    entry = intake_of(instance, ledger, table).entry
    assert entry is not None
    return entry.rows


def test_fewer_files_than_the_manifest_names_are_short(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    name = "coupon_redemptions.jsonl"
    parts = [{"file": name}, {"file": name.replace(".", "-2.")}]
    tell(delivered, "coupon_redemptions", file=None, sha256=None, files=parts)
    received = taken_in(instance, ledger, "coupon_redemptions")
    assert received.state == "short"
    assert "the manifest names 2 files, 1 came" in received.sentence


def test_no_rows_on_a_day_that_must_have_some_are_empty(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    rewrite(delivered, "transactions", lambda raw: raw.splitlines(keepends=True)[0])
    intake = intake_of(instance, ledger, "transactions")
    received = receive(intake)
    assert received.state == "empty"
    assert "on a day that must have some" in received.sentence
    verdict = judged(intake, received)
    assert (verdict.policy, verdict.may_build) == ("hold_all", False)


def test_no_rows_on_a_day_that_the_calendar_allows_have_arrived(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    rewrite(delivered, "transactions", lambda raw: raw.splitlines(keepends=True)[0])
    received = receive(replace(intake_of(instance, ledger, "transactions"), due="empty"))
    assert received.state == "arrived", received.sentence
    assert received.counts is not None
    assert received.counts.delivered == 0


def test_the_calendar_of_the_client_lets_christmas_be_empty_and_no_other_day(
    instance: Instance, ledger: Ledger
) -> None:
    christmas = dt.date(2017, 12, 25)
    assert intake_of(instance, ledger, "transactions", christmas).due == "empty"
    boxing_day = christmas + dt.timedelta(days=1)
    assert intake_of(instance, ledger, "transactions", boxing_day).due == "delivery"


def test_what_is_not_due_and_does_not_come_is_no_fault_and_not_stale(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    (delivered / "campaign_mailings.csv").unlink()
    intake = replace(intake_of(instance, ledger, "campaign_mailings"), due="nothing")
    received = receive(intake)
    assert received.state == "not_due"
    verdict = judged(intake, received)
    assert (verdict.hold, verdict.may_build, verdict.is_stale(DAY)) == ("nothing", True, False)
    assert versions(ledger, "campaign_mailings") == []


def test_what_is_not_due_and_comes_is_taken(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    intake = replace(intake_of(instance, ledger, "campaign_mailings"), due="nothing")
    assert receive(intake).state == "arrived"


def test_a_critical_check_that_fails_makes_a_table_invalid(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    rewrite(delivered, "transactions", lambda raw: raw + raw.splitlines(keepends=True)[-1])
    received = taken_in(instance, ledger, "transactions")
    assert received.state == "invalid"
    assert "expect_compound_columns_to_be_unique" in received.sentence


def test_a_check_that_cannot_run_makes_a_table_invalid(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    suite = read_contracts()["transactions"].suite
    cannot = suite[0].model_copy(
        update={
            "type": "expect_column_values_to_match_regex",
            "kwargs": {"column": "household_id", "regex": "(["},
        }
    )
    received = taken_in(instance, ledger, "transactions", suite=(*suite, cannot))
    assert received.state == "invalid"
    assert versions(ledger, "transactions") == [("invalid", False)]


def test_rows_of_another_day_are_of_the_wrong_day(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    old = delivered.with_name("2017-11-14")
    Client(instance.outbox).deliver(dt.date(2017, 11, 14), False, instance.deliveries)
    rewrite(delivered, "transactions", lambda _: content(old, "transactions"))
    received = taken_in(instance, ledger, "transactions")
    assert received.state == "wrong_day"
    assert RUN_AGAIN in received.sentence


# duplicate


def test_the_bytes_of_another_date_are_a_duplicate(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    yesterday = content(delivered.with_name(str(YESTERDAY)), "coupon_redemptions")
    put(delivered, "coupon_redemptions", yesterday, len(yesterday.splitlines()))
    received = taken_in(instance, ledger, "coupon_redemptions", late_rows_days=3)
    assert received.state == "duplicate"
    assert f"byte for byte the delivery of {YESTERDAY}" in received.sentence


def test_the_same_bytes_again_are_ignored_and_it_is_written_down_that_they_came(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    assert taken_in(instance, ledger, "coupon_redemptions").state == "arrived"
    assert taken_in(instance, ledger, "coupon_redemptions").taken_before
    assert newest(ledger, "coupon_redemptions")["came_again_at"] is None
    in_a_minute = dt.datetime.now().timestamp() + 60
    os.utime(delivered / "coupon_redemptions.jsonl", (in_a_minute, in_a_minute))
    again = taken_in(instance, ledger, "coupon_redemptions")
    assert (again.state, again.taken_before) == ("arrived", True)
    assert versions(ledger, "coupon_redemptions") == [("arrived", True)]
    assert newest(ledger, "coupon_redemptions")["came_again_at"] is not None


def test_other_bytes_are_a_new_version_and_the_old_one_stays(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    assert taken_in(instance, ledger, "transactions").state == "arrived"
    first = newest(ledger, "transactions")
    before = Path(first["batch_path"]).read_bytes()
    rewrite(delivered, "transactions", lambda raw: b"".join(raw.splitlines(keepends=True)[:-1]))
    received = taken_in(instance, ledger, "transactions")
    assert (received.state, received.taken_before) == ("arrived", False)
    second = newest(ledger, "transactions")
    assert (second["version"], second["rows_accepted"]) == (2, first["rows_accepted"] - 1)
    assert Path(first["batch_path"]).read_bytes() == before
    assert rows_of(second["batch_path"]) == second["rows_accepted"]


# out_of_band

USUAL = [6000, 7000, 500, 6400, 90_000]


@pytest.mark.parametrize(("weeks", "state"), [(2, "arrived"), (3, "arrived"), (5, "arrived")])
def test_a_count_near_the_median_of_the_same_weekdays_has_arrived(
    weeks: int, state: str, instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    deliver_weeks(ledger, "transactions", DAY, USUAL[:weeks])
    assert taken_in(instance, ledger, "transactions").state == state


def test_a_count_far_from_the_median_of_the_same_weekdays_is_out_of_band(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    deliver_weeks(ledger, "transactions", DAY, [60_000, 50_000, 100, 70_000, 60_001])
    # Another weekday, and weeks too far back, say nothing.
    deliver_weeks(ledger, "transactions", DAY - dt.timedelta(weeks=8), [1, 1, 1])
    received = taken_in(instance, ledger, "transactions")
    assert received.state == "out_of_band"
    for words in (
        "6,352 rows",
        "the median of the last 5 Wednesdays is 60,000",
        "18,000 to 180,000",
        "Ask pos-data@client.example whether that is right",
    ):
        assert words in received.sentence
    assert versions(ledger, "transactions") == [("out_of_band", False)]


def out_of_band(instance: Instance, ledger: Ledger) -> None:
    """Make the deliveries of the weeks before ten times as large as the date's."""
    deliver_weeks(ledger, "transactions", DAY, [60_000] * 4)


@pytest.mark.parametrize(
    ("policy", "hold", "as_of", "taken"),
    [
        ("hold_all", "everything", YESTERDAY, False),
        ("hold_dependent", "dependent", YESTERDAY, False),
        ("use_last_good", "nothing", YESTERDAY, False),
        ("notify_only", "nothing", DAY, True),
    ],
)
def test_rows_out_of_their_band_are_used_only_where_the_policy_says_so(
    policy: str,
    hold: str,
    as_of: dt.date,
    taken: bool,
    instance: Instance,
    ledger: Ledger,
    delivered: Path,
) -> None:
    out_of_band(instance, ledger)
    decided = {"if_out_of_band": policy, "stale_limit_days": 1}
    intake = intake_of(instance, ledger, "transactions", **decided)
    verdict = judged(intake, receive(intake))
    assert (verdict.policy, verdict.hold, verdict.as_of) == (policy, hold, as_of)
    assert verdict.may_build == (policy != "hold_all")
    assert versions(ledger, "transactions") == [("out_of_band", taken)]


def test_a_correction_out_of_its_band_leaves_the_version_before_in_use(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    assert taken_in(instance, ledger, "transactions").state == "arrived"
    out_of_band(instance, ledger)
    rewrite(delivered, "transactions", lambda raw: b"".join(raw.splitlines(keepends=True)[:-1]))
    intake = intake_of(instance, ledger, "transactions")
    verdict = judged(intake, receive(intake))
    assert (verdict.hold, verdict.as_of) == ("dependent", DAY)
    assert versions(ledger, "transactions") == [("arrived", True), ("out_of_band", False)]


def test_an_override_lets_rows_out_of_their_band_in_while_it_holds(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    out_of_band(instance, ledger)
    intake = intake_of(instance, ledger, "transactions")
    assert judged(intake, receive(intake)).hold == "dependent"
    told = ("Ann of CRM", "The stores were closed until noon", "23:59")
    override(instance, "transactions", DAY, "notify_only", *told)
    again = receive(intake)
    assert again.taken_before
    verdict = judged(intake, again)
    assert (verdict.hold, verdict.as_of, verdict.is_stale(DAY)) == ("nothing", DAY, False)
    for words in (
        "notify_only",
        "Ann of CRM",
        "The stores were closed until noon",
        "rows that came",
    ):
        assert words in verdict.sentence
    assert versions(ledger, "transactions") == [("out_of_band", True)]
    # On the next night nobody asks again: what was let in is the newest good batch.
    tomorrow = DAY + dt.timedelta(days=1)
    missing = intake_of(instance, ledger, "transactions", tomorrow)
    assert judged(missing, receive(missing)).as_of == DAY


def test_the_first_delivery_of_all_has_no_band(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    out_of_band(instance, ledger)
    intake = intake_of(instance, ledger, "transactions")
    initial = replace(intake, manifest=intake.manifest.model_copy(update={"initial": True}))
    assert receive(initial).state == "arrived"


# The policy that no contract of the demo client has


@pytest.mark.parametrize(
    ("due", "hold", "stale"), [("empty", "nothing", False), ("delivery", "dependent", True)]
)
def test_a_day_without_a_file_is_one_without_rows_only_where_the_calendar_says_so(
    due: Expected,
    hold: str,
    stale: bool,
    instance: Instance,
    ledger: Ledger,
    delivered: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file_of(delivered, "transactions").unlink()
    decided = {"if_missing": "proceed_empty", "then": "hold_dependent"}
    intake = replace(intake_of(instance, ledger, "transactions", **decided), due=due)
    monkeypatch.setattr("flows.tables.read_calendar", lambda: {("transactions", DAY): due})
    verdict = judged(intake, receive(intake))
    assert (verdict.hold, verdict.is_stale(DAY), verdict.may_build) == (hold, stale, True)
