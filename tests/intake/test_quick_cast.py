"""The quick cast of all rows and the exact one of the suspect are two ways to the same value."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.contracts.contract import Column
from flows.intake.casting import cast, is_same, is_suspect, literal, misfit, quick, text_of
from tests.flows.test_casting import LOOKALIKES, MANY, TEXTS, TYPED, UTC, column

TYPES = [*TYPED, "varchar", "decimal(9,0)", "decimal(38,10)"]
# Texts that nearly fit, or fit in an unusual way.
NEAR = st.sampled_from(
    [
        "2017-11-22",
        "2017-11-22 00:00:00",
        "2017-11-22T10:11:12.123456Z",
        "2017-11-22 10:11+00",
        "2017-11-22 10:11:12+0000",
        "2017-11-22 10:11:12+00:00",
        "2017-11-22 24:00:00",
        "2017-11-22 10:11:12+01",
        "2017-02-30",
        "1.50000000",
        "1.",
        ".5",
        "+7",
        "-0",
        "00012",
        "9223372036854775808",
        "2147483648",
        "99999999999999.99999",
        "1e3",
        "t",
        "TRUE",
        "",
        " ",
        "=1",
        "+a(b",
        "\x1f",
        "1\x1f2",
    ]
)
PADDED = st.tuples(st.sampled_from(["", " ", "\t", "\xa0"]), NEAR, st.sampled_from(["", " ", "\n"]))
ANY = st.none() | NEAR | LOOKALIKES | TEXTS | PADDED.map("".join)


def ways(of: Column, value: Any, delivered: str) -> tuple[bool, Any, Any, str | None]:
    """Return whether a value is suspect, what it is quickly, what it is exactly, and why not."""
    given = f"(select ?::{delivered} as value)"
    text = f"(select {text_of('value', delivered)} as value from {given})"
    same = delivered != "VARCHAR" and is_same(of, delivered)
    exact = f"cast(value as {of.data_type})" if same else cast(of)
    reason = "null" if same else misfit(of)
    suspect = is_suspect([of], {"value": delivered})
    quickly = UTC.execute(f"select {suspect}, {quick(of, delivered)} from {given}", [value])
    (found,) = quickly.fetchall()
    (exactly,) = UTC.execute(f"select {exact}, {reason} from {text}", [value]).fetchall()
    return bool(found[0]), found[1], exactly[0], exactly[1]


@MANY
@pytest.mark.parametrize("data_type", TYPES)
@given(value=ANY)
def test_a_text_beyond_doubt_has_the_same_value_both_ways(value: Any, data_type: str) -> None:
    suspect, quickly, exactly, reason = ways(column(data_type), value, "VARCHAR")
    assert suspect or (quickly, None) == (exactly, reason)


DELIVERED = {
    "BIGINT": st.integers(-(2**63), 2**63 - 1),
    "UBIGINT": st.integers(0, 2**64 - 1),
    "INTEGER": st.integers(-(2**31), 2**31 - 1),
    "HUGEINT": st.integers(-(2**100), 2**100),
    "DOUBLE": st.floats() | st.integers(-(2**60), 2**60).map(float),
    "FLOAT": st.floats(width=32),
    "DECIMAL(18,2)": st.decimals(-(10**15), 10**15, places=2),
    "DECIMAL(20,6)": st.decimals(-(10**13), 10**13, places=6),
    "BOOLEAN": st.booleans(),
    "DATE": st.dates(),
    "TIMESTAMP": st.datetimes() | st.dates().map(lambda d: dt.datetime(d.year, d.month, d.day)),
    "TIMESTAMP WITH TIME ZONE": st.datetimes(dt.datetime(2, 1, 1), dt.datetime(9998, 1, 1)).map(
        lambda moment: moment.replace(tzinfo=dt.UTC)
    ),
}


@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize("data_type", TYPES)
@pytest.mark.parametrize("delivered", DELIVERED)
@given(data=st.data())
def test_a_typed_value_beyond_doubt_is_the_same_both_ways(
    data: st.DataObject, delivered: str, data_type: str
) -> None:
    value = data.draw(st.none() | DELIVERED[delivered])
    suspect, quickly, exactly, reason = ways(column(data_type), value, delivered)
    assert suspect or (quickly, None) == (exactly, reason)
    if suspect or quickly is None or data_type == "boolean":
        return
    if isinstance(value, int) and data_type in ("bigint", "integer", "varchar"):
        assert str(quickly) == str(value).lower()
    if isinstance(quickly, Decimal):
        # A float of 32 bits has fewer digits than Python would show of it.
        assert delivered == "FLOAT" or quickly == Decimal(str(value))


ROWS = st.lists(st.tuples(*[ANY] * 4), min_size=1, max_size=8)
FOUR = [column(t, f"c{n}") for n, t in enumerate(("bigint", "timestamp", "varchar", "boolean"))]


@settings(max_examples=80, deadline=None)
@given(ROWS)
def test_of_a_row_one_value_in_doubt_makes_the_row_suspect(rows: list[tuple[Any, ...]]) -> None:
    types = dict.fromkeys((c.name for c in FOUR), "VARCHAR")
    shown = ", ".join(f"{quick(c)}, {cast(c)}, {misfit(c)}" for c in FOUR)
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("create table t (c0 varchar, c1 varchar, c2 varchar, c3 varchar)")
        connection.executemany("insert into t values (?, ?, ?, ?)", rows)
        query = f"select {is_suspect(FOUR, types)}, {shown} from t"
        for suspect, *told in connection.execute(query).fetchall():
            for quickly, exactly, reason in zip(told[::3], told[1::3], told[2::3], strict=True):
                assert suspect or (quickly == exactly and reason is None)


@pytest.mark.parametrize("data_type", TYPED)
def test_a_clean_row_is_never_suspect(data_type: str) -> None:
    clean = {
        "bigint": ["1", "-5", "+7", None],
        "integer": ["0"],
        "date": ["2017-11-22", "2017-11-22 00:00:00"],
        "timestamp": ["2017-11-22", "2017-11-22T10:11:12Z", "2017-11-22 10:11:12.5"],
        "boolean": ["true", "0", "F"],
        "decimal(18,4)": ["1", "1.5", ".5", "-1.25000000"],
    }[data_type]
    for value in clean:
        assert not ways(column(data_type), value, "VARCHAR")[0], value


def test_the_names_of_columns_are_quoted() -> None:
    of = column("bigint", "order")
    query = f"select {quick(of)}, {is_suspect([of], {'order': 'VARCHAR'})} from "
    assert UTC.execute(query + f'(select {literal("7")} as "order")').fetchall() == [(7, False)]
