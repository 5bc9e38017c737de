"""Which days a table is due: its contract's rhythm, and what the calendar says of a very day."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from flows.contracts.calendar import expected, read_calendar, refuse_unknown_tables
from flows.contracts.contract import Contract
from flows.contracts.files import read_contracts
from flows.errors import ContractWrong
from flows.settings import PROJECT

MONDAY = dt.date(2017, 11, 20)
WEEK = [MONDAY + dt.timedelta(days=day) for day in range(7)]


def contract(**decided: Any) -> Contract:
    """Return a contract of which only what is named was decided."""
    rhythm = {"deliveries": "daily", "delivery_weekday": None, "may_be_empty": "never"}
    return read_contracts()["transactions"].model_copy(update={**rhythm, **decided})


@pytest.mark.parametrize(
    ("decided", "due"),
    [
        ({"deliveries": "daily"}, [0, 1, 2, 3, 4, 5, 6]),
        ({"deliveries": "weekdays"}, [0, 1, 2, 3, 4]),
        ({"deliveries": "weekly", "delivery_weekday": "thursday"}, [3]),
        ({"deliveries": "calendar"}, []),
    ],
    ids=["daily", "weekdays", "weekly", "calendar"],
)
def test_a_table_is_due_on_the_days_of_its_rhythm(decided: dict[str, Any], due: list[int]) -> None:
    table = contract(**decided)
    told = [expected(table, {}, day) for day in WEEK]
    assert [number for number, said in enumerate(told) if said == "delivery"] == due
    assert {said for number, said in enumerate(told) if number not in due} <= {"nothing"}


@pytest.mark.parametrize("rhythm", ["daily", "calendar"])
@pytest.mark.parametrize("said", ["delivery", "nothing", "empty"])
def test_what_the_calendar_says_of_a_day_outranks_the_rhythm(rhythm: str, said: Any) -> None:
    table = contract(deliveries=rhythm, may_be_empty="calendar")
    assert expected(table, {("transactions", MONDAY): said}, MONDAY) == said
    assert expected(table, {("products", MONDAY): said}, MONDAY) != "empty"


def test_a_day_is_only_allowed_to_be_empty_where_the_contract_lets_the_calendar_say_so() -> None:
    calendar: dict[tuple[str, dt.date], Any] = {("transactions", MONDAY): "empty"}
    assert expected(contract(may_be_empty="never"), calendar, MONDAY) == "delivery"
    assert expected(contract(may_be_empty="calendar"), calendar, MONDAY) == "empty"
    assert expected(contract(may_be_empty="always"), {}, MONDAY) == "empty"
    assert expected(contract(may_be_empty="calendar"), {}, MONDAY) == "delivery"


@pytest.mark.parametrize(
    "line", ["transactions,25.12.2017,empty", "transactions,2017-12-25,perhaps", "transactions"]
)
def test_a_line_that_says_nothing_a_calendar_says_is_refused_by_its_number(
    line: str, tmp_path: Path
) -> None:
    path = tmp_path / "calendar.csv"
    path.write_text(f"table_name,business_date,expected\n{line}\n")
    with pytest.raises(ContractWrong, match="line 2: write table_name"):
        read_calendar(path)


def test_a_calendar_that_speaks_of_a_table_without_a_contract_is_refused() -> None:
    with pytest.raises(ContractWrong, match="speaks of transaction on 2017-11-20"):
        refuse_unknown_tables({("transaction", MONDAY): "empty"}, read_contracts())
    refuse_unknown_tables(read_calendar(), read_contracts())


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("deliveries: daily", "deliveries: weekly", "weekly and delivery_weekday go together"),
        ("row_band_low: 0.3", "row_band_weeks: 4", "row_band_low and row_band_high go together"),
        ("if_missing: hold_dependent", "if_missing: proceed_nowhere", "if_missing"),
        ("may_be_empty: calendar", "then: proceed_empty", "then"),
        ('wait_until: "07:00"', 'wait_until: "7"', "wait_until"),
    ],
)
def test_a_contract_that_cannot_be_kept_is_refused(
    right: str, wrong: str, said: str, tmp_path: Path
) -> None:
    text = (PROJECT / "expectations" / "transactions.yml").read_text()
    assert right in text
    (tmp_path / "transactions.yml").write_text(text.replace(right, wrong, 1))
    with pytest.raises(ContractWrong, match=said):
        read_contracts(tmp_path)


def test_only_a_table_whose_days_may_be_empty_may_proceed_empty(tmp_path: Path) -> None:
    text = (PROJECT / "expectations" / "transactions.yml").read_text()
    proceeds = text.replace("if_missing: hold_dependent", "if_missing: proceed_empty")
    (tmp_path / "transactions.yml").write_text(proceeds)
    assert read_contracts(tmp_path)["transactions"].if_missing == "proceed_empty"
    never = proceeds.replace("            may_be_empty: calendar\n", "")
    (tmp_path / "transactions.yml").write_text(never)
    with pytest.raises(ContractWrong, match="proceed_empty is for a delta whose days may be empty"):
        read_contracts(tmp_path)


def test_consents_never_go_on_as_a_day_without_a_no(tmp_path: Path) -> None:
    text = (PROJECT / "expectations" / "consents.yml").read_text()
    (tmp_path / "consents.yml").write_text(text.replace("hold_dependent", "proceed_empty", 1))
    with pytest.raises(ContractWrong, match="not a day on which nobody said no"):
        read_contracts(tmp_path)
