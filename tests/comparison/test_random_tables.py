"""Rows compared by hash and key are those that a plain full outer join of all columns finds."""

from __future__ import annotations

from collections import Counter
from typing import Any

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.comparison.rows import Cell, Pair, compare_as_bag, compare_rows, values_of
from flows.comparison.sides import Side, Sides

NUMBERS = st.one_of(st.none(), st.integers(-2, 2))
WORDS = st.one_of(st.none(), st.sampled_from(["", "a", "b", "null"]))
FLOATS = st.one_of(st.none(), st.sampled_from([0.0, -0.5, float("inf"), float("nan")]))
ROW = st.tuples(NUMBERS, WORDS, FLOATS)
TABLE = st.dictionaries(st.integers(1, 12), ROW, max_size=12)
NAMES = ("n", "w", "f")
Table = dict[int, tuple[Any, ...]]


class _Bare(Side):
    """A side that is only a schema of the connection."""

    def __init__(self, name: str) -> None:
        self.name = name


def sides(before: Table, after: Table) -> Sides:
    """Two tables `main.t`, in two databases of one connection."""
    connection = duckdb.connect()
    for name, rows in (("before", before), ("after", after)):
        connection.execute(f"attach ':memory:' as {name}")
        connection.execute(f"create table {name}.t (k bigint, n integer, w varchar, f double)")
        if rows:
            told = [[key, *row] for key, row in rows.items()]
            connection.executemany(f"insert into {name}.t values (?, ?, ?, ?)", told)
    return Sides(connection, _Bare("before"), _Bare("after"))


def pair() -> Pair:
    """Both tables by their key."""
    cells = tuple(Cell(name, name, name) for name in NAMES)
    return Pair("before.main.t", "after.main.t", ("k",), cells)


def same(one: Any, other: Any) -> bool:
    """Equal as SQL says `is not distinct from`: not a number is itself."""
    return repr(one) == repr(other)


@settings(max_examples=60, deadline=None)
@given(before=TABLE, after=TABLE)
def test_the_hash_finds_what_a_full_outer_join_finds(before: Table, after: Table) -> None:
    both = sides(before, after)
    with both.connection:
        found = compare_rows(both, pair())
        assert found.only_before == len(set(before) - set(after))
        assert found.only_after == len(set(after) - set(before))
        assert set(found.gone) <= set(before) - set(after)
        assert set(found.new) <= set(after) - set(before)
        told = {cell.name: cell for cell in found.cells}
        for place, name in enumerate(NAMES):
            changed = {
                key
                for key in set(before) & set(after)
                if not same(before[key][place], after[key][place])
            }
            cell = told.get(name)
            assert (cell.changed if cell else 0) == len(changed)
            if cell is not None:
                assert set(cell.examples) <= changed
                assert len(cell.examples) == min(5, len(changed))
                assert cell.lost == sum(after[key][place] is None for key in changed)
                assert cell.gained == sum(before[key][place] is None for key in changed)


@settings(max_examples=30, deadline=None)
@given(before=TABLE, after=TABLE)
def test_the_values_of_examples_are_those_of_both_tables(before: Table, after: Table) -> None:
    both = sides(before, after)
    keys = sorted(set(before) & set(after))
    with both.connection:
        told = values_of(both, pair(), keys, [("w", False), ("n", True)])
    for key in keys:
        assert told[key]["w"] == (before[key][1], after[key][1])
        known = tuple(None if rows[key][0] is None else "" for rows in (before, after))
        assert told[key]["n"] == known


@settings(max_examples=30, deadline=None)
@given(
    before=st.lists(st.tuples(NUMBERS, WORDS), max_size=10),
    after=st.lists(st.tuples(NUMBERS, WORDS), max_size=10),
)
def test_without_a_key_equal_rows_are_counted(
    before: list[tuple[Any, ...]], after: list[tuple[Any, ...]]
) -> None:
    numbered = [{place: (*row, None) for place, row in enumerate(rows)} for rows in (before, after)]
    both = sides(*numbered)
    with both.connection:
        found = compare_as_bag(both, "main.t", ["n", "w"])
    one, other = Counter(before), Counter(after)
    assert found == ((one - other).total(), (other - one).total())


def test_a_relation_of_one_row_is_compared_without_a_key() -> None:
    both = sides({1: (1, "a", 0.5)}, {1: (1, "b", 0.5)})
    with both.connection:
        one = Pair("before.main.t", "after.main.t", (), pair().cells)
        assert [(cell.name, cell.changed) for cell in compare_rows(both, one).cells] == [("w", 1)]
