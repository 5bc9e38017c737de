"""Rows of two queries, joined by key: first by a hash of each row, then column by column.

Only keys and hashes are held against each other for every row; columns are read again for the keys
whose hash differs, and a few columns at a time where that is nearly everybody. Whatever does not
fit in memory is spilled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from flows.comparison.sides import AFTER, BEFORE, Sides
from flows.intake.casting import identifier

# Of a changed column so many rows are shown, always the same ones.
EXAMPLES = 5
# Beyond so many changed rows their columns are counted a few at a time.
MANY_ROWS, FEW_COLUMNS = 1_000_000, 12
NUMBERS = ("INT", "DECIMAL", "DOUBLE", "FLOAT", "HUGEINT")
CHANGED = "changed"


@dataclass(frozen=True)
class Cell:
    """A column that is compared: its name, and what it is in the two queries' sources."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Pair:
    """The same rows in both builds.

    Args:
        before: what stands after `from`, in the build before.
        key: names of the columns that no two rows have alike, or none.
        key_of: what stands before a key's name in each source, such as `identity.`.
        cells: the columns that are compared.
    """

    before: str
    after: str
    key: tuple[str, ...]
    cells: tuple[Cell, ...]
    key_of: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class CellChange:
    """A column that differs: in how many rows, how many were lost and gained, keys of a few."""

    name: str
    changed: int
    lost: int
    gained: int
    examples: tuple[Any, ...]


@dataclass(frozen=True)
class RowsChange:
    """What became of the rows of a pair."""

    only_before: int = 0
    only_after: int = 0
    gone: tuple[Any, ...] = ()
    new: tuple[Any, ...] = ()
    cells: tuple[CellChange, ...] = field(default=())


def compare_rows(sides: Sides, pair: Pair) -> RowsChange:
    """Return how the rows of both builds differ, by key."""
    one = len(pair.key) == 1
    sides.connection.execute(_changed(pair))
    first = _first(pair, "")
    only_before, only_after, both, gone, new = sides.ask(
        "select count(*) filter (where not is_there), count(*) filter (where not was_there), "
        "count(*) filter (where was_there and is_there), "
        f"{first} filter (where not is_there), {first} filter (where not was_there) "
        f"from {CHANGED}"
    )[0]
    cells = [
        cell
        for few in _in_lots(pair.cells, both)
        for cell in (_count(sides, pair, few) if both else [])
    ]
    sides.connection.execute(f"drop table {CHANGED}")
    return RowsChange(
        only_before,
        only_after,
        tuple(sorted(gone or ())) if one else (),
        tuple(sorted(new or ())) if one else (),
        tuple(cell for cell in cells if cell.changed),
    )


def compare_as_bag(sides: Sides, relation: str, columns: Sequence[str]) -> tuple[int, int]:
    """Return how many rows a relation without a key has more before, and after: equal ones count.

    Args:
        columns: those of both builds; the rest of a row is not looked at.
    """
    hashed = f"hash({', '.join(map(identifier, columns))})" if columns else "0"

    def counted(of: str) -> str:
        return f"(select {hashed} as h, count(*) as n from {of} group by all)"

    before, after = sides.ask(
        "select coalesce(sum(greatest(coalesce(b.n, 0) - coalesce(a.n, 0), 0)), 0), "
        "coalesce(sum(greatest(coalesce(a.n, 0) - coalesce(b.n, 0), 0)), 0) "
        f"from {counted(sides.before.of(relation))} as b "
        f"full join {counted(sides.after.of(relation))} as a using (h)"
    )[0]
    return int(before), int(after)


def values_of(
    sides: Sides, pair: Pair, keys: Sequence[Any], columns: Sequence[tuple[str, bool]]
) -> dict[Any, dict[str, tuple[str | None, str | None]]]:
    """Return (before, after) as text for some keys of a pair with a key of one column.

    Args:
        columns: names of cells; where the second is True only whether it is known, as `''`.
    """
    cells = {cell.name: cell for cell in pair.cells}
    wanted = ", ".join(str(int(key)) for key in sorted(set(keys)))
    found: dict[Any, dict[str, tuple[str | None, str | None]]] = {key: {} for key in keys}
    if not wanted or not columns:
        return found
    told = {}
    for side in (BEFORE, AFTER):
        listed = [
            f"if({expression} is null, null, '')" if hidden else f"cast({expression} as varchar)"
            for name, hidden in columns
            for expression in [getattr(cells[name], side)]
        ]
        key = _key(pair, side)[0]
        rows = sides.ask(
            f"select {key}, {', '.join(listed)} from {getattr(pair, side)} "
            f"where {key} in ({wanted})"
        )
        told[side] = {row[0]: row[1:] for row in rows}
    for key in found:
        pairs = zip(told[BEFORE][key], told[AFTER][key], strict=True)
        found[key] = {name: both for (name, _), both in zip(columns, pairs, strict=True)}
    return found


def shared_type(before: str, after: str, expressions: tuple[str, str]) -> tuple[str, str]:
    """Return two expressions in a type in which they can be held against each other."""
    if before == after:
        return expressions
    numbers = all(any(word in each for word in NUMBERS) for each in (before, after))
    kind = "double" if numbers else "varchar"
    return f"cast({expressions[0]} as {kind})", f"cast({expressions[1]} as {kind})"


def _first(pair: Pair, above: str) -> str:
    """SQL of the keys that are shown: a few, drawn by their hash, so that they are the same."""
    key = f"{above}{identifier(pair.key[0])}" if len(pair.key) == 1 else "null"
    return f"min_by({key}, hash({key}), {EXAMPLES})"


def _changed(pair: Pair) -> str:
    keys = [identifier(name) for name in pair.key]
    same = " and ".join(f"b.{key} is not distinct from a.{key}" for key in keys) or "true"
    both = "".join(f"coalesce(b.{key}, a.{key}) as {key}, " for key in keys)
    return (
        f"create or replace temp table {CHANGED} as select {both}"
        "b.row_hash is not null as was_there, a.row_hash is not null as is_there "
        f"from ({_hashed(pair, BEFORE)}) as b full join ({_hashed(pair, AFTER)}) as a on {same} "
        "where b.row_hash is distinct from a.row_hash"
    )


def _hashed(pair: Pair, side: str) -> str:
    listed = ", ".join(getattr(cell, side) for cell in pair.cells)
    keys = "".join(f"{key}, " for key in _named_key(pair, side))
    hashed = f"hash({listed})" if listed else "0"
    return f"select {keys}{hashed} as row_hash from {getattr(pair, side)}"


def _key(pair: Pair, side: str) -> list[str]:
    above = pair.key_of[side == AFTER]
    return [f"{above}{identifier(name)}" for name in pair.key]


def _named_key(pair: Pair, side: str) -> list[str]:
    keys = zip(_key(pair, side), pair.key, strict=True)
    return [f"{key} as {identifier(name)}" for key, name in keys]


def _in_lots(cells: Sequence[Cell], rows: int) -> Iterator[Sequence[Cell]]:
    size = FEW_COLUMNS if rows > MANY_ROWS else max(len(cells), 1)
    for first in range(0, len(cells), size):
        yield cells[first : first + size]


def _count(sides: Sides, pair: Pair, cells: Sequence[Cell]) -> list[CellChange]:
    told, first = [], _first(pair, "k.")
    for place, _ in enumerate(cells):
        one, other = f"b.c{place}", f"a.c{place}"
        told += [
            f"count(*) filter (where {one} is distinct from {other})",
            f"count(*) filter (where {one} is not null and {other} is null)",
            f"count(*) filter (where {one} is null and {other} is not null)",
            f"{first} filter (where {one} is distinct from {other})",
        ]
    found = sides.ask(
        f"select {', '.join(told)} from (from {CHANGED} where was_there and is_there) as k "
        f"{_joined(pair, cells, BEFORE, 'b')} {_joined(pair, cells, AFTER, 'a')}"
    )[0]
    return [
        CellChange(cell.name, changed, lost, gained, tuple(sorted(keys or ())))
        for n, cell in enumerate(cells)
        for changed, lost, gained, keys in [found[4 * n : 4 * n + 4]]
    ]


def _joined(pair: Pair, cells: Sequence[Cell], side: str, alias: str) -> str:
    listed = [f"{getattr(cell, side)} as c{place}" for place, cell in enumerate(cells)]
    columns = ", ".join([*_named_key(pair, side), *listed])
    same = [f"k.{key} is not distinct from {alias}.{key}" for key in map(identifier, pair.key)] or [
        "true"
    ]
    return (
        f"inner join (select {columns} from {getattr(pair, side)}) as {alias} "
        f"on {' and '.join(same)}"
    )
