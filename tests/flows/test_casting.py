"""A value is taken as it was sent or not at all: nothing is altered on its way into a batch.

Each text goes through the SQL that the intake uses, on DuckDB; Python says what it should be.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from flows.contracts.contract import Column
from flows.intake.casting import cast, identifier, literal, misfit

UTC = duckdb.connect(config={"threads": 1})
UTC.execute("set timezone = 'UTC'")

MANY = settings(max_examples=150, deadline=None)
# Parquet and DuckDB hold text without NUL and without half a character.
TEXTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"))
# Texts that look like numbers, dates and times far more often than random ones do.
LOOKALIKES = st.text("0123456789+-.eE: TZtrufalse/,_'\"\n", max_size=28)
BIGINTS = st.integers(-(2**63), 2**63 - 1)


def column(data_type: str, name: str = "value") -> Column:
    return Column(name=name, data_type=data_type, description="A value of a test.")


def taken(text: str | None, data_type: str) -> tuple[Any, str | None]:
    """Return what the intake makes of a text: its value, and why it does not fit."""
    of = column(data_type)
    query = f"select {cast(of)}, {misfit(of)} from (select ?::varchar as {identifier(of.name)})"
    value, reason = UTC.execute(query, [text]).fetchall()[0]
    return value, reason


def is_taken_as(text: str, data_type: str, value: Any) -> bool:
    return taken(text, data_type) == (value, None)


def is_set_aside(text: str, data_type: str) -> bool:
    return taken(text, data_type) == (None, f"value is not a {data_type}")


@MANY
@given(BIGINTS)
def test_a_whole_number_comes_back_as_the_same_number(number: int) -> None:
    assert is_taken_as(str(number), "bigint", number)


@MANY
@given(st.one_of(st.integers(min_value=2**63), st.integers(max_value=-(2**63) - 1)))
def test_a_number_too_large_for_its_type_is_set_aside(number: int) -> None:
    assert is_set_aside(str(number), "bigint")


@pytest.mark.parametrize(
    "text",
    ["1.5", "1.0", "1e3", "1E3", "0x10", "1_000", "1,000", "--1", "+", "1 2", "१", "NaN", "true"],
)
def test_a_text_that_is_not_a_whole_number_is_never_rounded_to_one(text: str) -> None:
    assert is_set_aside(text, "bigint")
    assert is_set_aside(text, "integer")


@MANY
@given(LOOKALIKES)
def test_what_casts_to_a_whole_number_is_that_number(text: str) -> None:
    value, reason = taken(text, "bigint")
    assert (value is None) == (reason is not None or not text.strip(" "))
    if value is not None:
        assert value == int(text.strip(" "))
        assert set(text.strip(" ")) <= set("+-0123456789")


@MANY
@given(st.decimals(min_value=-(10**13), max_value=10**13, places=4))
def test_an_amount_comes_back_to_the_last_digit(amount: Decimal) -> None:
    assert is_taken_as(f"{amount:f}", "decimal(18,4)", amount)


@MANY
@given(st.decimals(min_value=-(10**9), max_value=10**9, places=6))
def test_an_amount_with_more_digits_than_its_scale_is_never_rounded(amount: Decimal) -> None:
    fits = amount == amount.quantize(Decimal("0.0001"))
    value, reason = taken(f"{amount:f}", "decimal(18,4)")
    assert value == (amount if fits else None)
    assert (reason is None) == fits


@pytest.mark.parametrize("text", ["1.23456", "1e3", "1,5", "$1", ".", "", "  ", "1.2.3", "1 000"])
def test_a_text_that_is_not_an_amount_has_no_amount(text: str) -> None:
    assert taken(text, "decimal(18,4)")[0] is None


def test_an_amount_of_too_many_digits_is_set_aside() -> None:
    assert is_set_aside("123456789012345", "decimal(18,4)")
    assert is_taken_as("12345678901234.5678", "decimal(18,4)", Decimal("12345678901234.5678"))


@MANY
@given(LOOKALIKES)
def test_what_casts_to_an_amount_is_that_amount(text: str) -> None:
    value, _ = taken(text, "decimal(18,4)")
    if value is not None:
        assert value == Decimal(text.strip(" "))


@MANY
@given(st.dates())
def test_a_date_comes_back_as_the_same_date(day: dt.date) -> None:
    assert is_taken_as(day.isoformat(), "date", day)


@MANY
@given(st.datetimes().filter(lambda moment: moment.time() != dt.time.min))
def test_a_date_with_a_time_of_day_is_never_cut_to_a_date(moment: dt.datetime) -> None:
    assert is_set_aside(moment.isoformat(" "), "date")
    assert is_set_aside(moment.isoformat("T"), "date")


def test_a_date_that_a_database_wrote_with_midnight_is_that_date() -> None:
    assert is_taken_as("2017-11-22 00:00:00", "date", dt.date(2017, 11, 22))
    assert is_taken_as("2017-11-22 00:00:00.000", "date", dt.date(2017, 11, 22))


@pytest.mark.parametrize(
    "text",
    [
        "2017-02-29",
        "2017-13-01",
        "22/11/2017",
        "11/22/2017",
        "2017-1-2",
        "20171122",
        "2017-11",
        "0",
        "today",
        "epoch",
        "infinity",
        "2017-11-22 (BC)",
        "2017-11-22Z",
    ],
)
def test_what_is_no_date_of_the_calendar_is_set_aside(text: str) -> None:
    assert is_set_aside(text, "date")


@MANY
@given(st.datetimes(), st.sampled_from([" ", "T"]), st.sampled_from(["", "Z", "+00", "+00:00"]))
def test_a_moment_in_utc_comes_back_to_the_microsecond(
    moment: dt.datetime, between: str, zone: str
) -> None:
    assert is_taken_as(moment.isoformat(between) + zone, "timestamp", moment)


@MANY
@given(
    st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2100, 1, 1)),
    st.integers(-14 * 4, 14 * 4).filter(bool),
)
def test_a_moment_of_another_zone_is_never_read_as_utc(moment: dt.datetime, quarters: int) -> None:
    sign, minutes = "-" if quarters < 0 else "+", abs(quarters) * 15
    offset = f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"
    assert is_set_aside(moment.isoformat() + offset, "timestamp")


@pytest.mark.parametrize(
    "text",
    [
        "2017-11-22 12:00:00+01",
        "2017-11-22 12:00:00-00:30",
        "2017-11-22 12:00:00 Europe/Paris",
        "2017-11-22 25:00:00",
        "2017-11-22 24:00:01",
        "2017-11-22 12:60:00",
        "2017-11-22 12:00:60",
        "2017-11-22 12:00:00.1234567",
        "1511352000",
        "12:00:00",
        "2017-11-22 12",
        "now",
    ],
)
def test_what_is_no_moment_in_utc_is_set_aside(text: str) -> None:
    assert is_set_aside(text, "timestamp")


def test_the_end_of_a_day_is_the_beginning_of_the_next() -> None:
    assert is_taken_as("2017-11-22 24:00:00", "timestamp", dt.datetime(2017, 11, 23))


@pytest.mark.parametrize("text", ["true", "TRUE", "t", "1", " true "])
def test_a_yes_is_true(text: str) -> None:
    assert is_taken_as(text, "boolean", True)


@pytest.mark.parametrize("text", ["false", "False", "f", "0"])
def test_a_no_is_false(text: str) -> None:
    assert is_taken_as(text, "boolean", False)


@pytest.mark.parametrize("text", ["yes", "no", "2", "-1", "00", "truee", "on"])
def test_anything_else_is_neither_true_nor_false(text: str) -> None:
    assert is_set_aside(text, "boolean")


@MANY
@given(TEXTS)
def test_a_text_comes_back_with_every_blank_and_quote(text: str) -> None:
    assume(text[:1] not in ("=", "@", "\t", "\r", "+", "-"))
    assert is_taken_as(text, "varchar", text)


@pytest.mark.parametrize(
    "text", ["=1+1", "@SUM(A1)", "\t=1", "\r=1", "+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0"]
)
def test_a_text_that_a_spreadsheet_would_run_is_set_aside(text: str) -> None:
    assert taken(text, "varchar") == (text, "value begins like a spreadsheet formula")


@pytest.mark.parametrize("text", ["+1 555 0100", "-", "--", "-5", "a=1", "+", ""])
def test_a_text_that_only_begins_with_a_sign_is_a_text(text: str) -> None:
    assert is_taken_as(text, "varchar", text)


TYPED = ["bigint", "integer", "date", "timestamp", "boolean", "decimal(18,4)"]


@pytest.mark.parametrize("data_type", [*TYPED, "varchar"])
def test_nothing_is_nothing_and_no_fault(data_type: str) -> None:
    assert taken(None, data_type) == (None, None)


@pytest.mark.parametrize("data_type", TYPED)
def test_an_empty_text_is_nothing_and_no_fault(data_type: str) -> None:
    assert taken("", data_type) == (None, None)
    assert taken("   ", data_type) == (None, None)


@pytest.mark.parametrize("data_type", TYPED)
@pytest.mark.parametrize("space", ["\xa0", "\u2003", "\u3000", "\t"])
def test_another_space_than_a_blank_is_set_aside(space: str, data_type: str) -> None:
    assert taken(space, data_type) == (None, f"value is not a {data_type}")


@MANY
@given(st.one_of(TEXTS, LOOKALIKES), st.sampled_from(TYPED))
def test_a_text_is_a_value_or_nothing_or_set_aside_never_two_of_them(
    text: str, data_type: str
) -> None:
    value, reason = taken(text, data_type)
    kinds = [value is not None, reason is not None, not text.strip(" ")]
    assert kinds.count(True) == 1
    assert reason in (None, f"value is not a {data_type}")


HOSTILE = [
    "'; drop table kept; --",
    '"; drop table kept; --',
    "a' or '1' = '1",
    '""',
    "''",
    "\\'",
    "$$",
    "?",
    "{business_date}",
    "1); delete from kept; --",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("data_type", TYPED)
def test_a_value_that_is_sql_is_only_a_value(text: str, data_type: str) -> None:
    assert is_set_aside(text, data_type)
    assert is_taken_as(text, "varchar", text)


@MANY
@given(st.one_of(TEXTS, st.sampled_from(HOSTILE)))
def test_a_quoted_text_is_read_back_as_it_was(text: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("create table kept (one integer)")
        assert connection.execute(f"select {literal(text)}").fetchall() == [(text,)]
        assert connection.execute("select count(*) from kept").fetchall() == [(0,)]


@MANY
@given(st.one_of(TEXTS, st.sampled_from(HOSTILE)))
def test_a_quoted_name_is_only_a_name(name: str) -> None:
    assume(name)
    with duckdb.connect() as connection:
        connection.execute("create table kept (one integer)")
        connection.execute(f"create table named as select 7 as {identifier(name)}")
        found = connection.execute(f"select {identifier(name)} from named")
        assert found.fetchall() == [(7,)]
        assert connection.execute("select count(*) from kept").fetchall() == [(0,)]


@pytest.mark.parametrize("name", [*HOSTILE, "Upper", "a b", "1st", "a\n", ""])
def test_a_contract_takes_no_name_that_sql_would_have_to_quote(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        column("bigint", name)
