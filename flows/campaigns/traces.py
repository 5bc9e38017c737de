"""What a value, and what a set of rows, depends on: sets of columns of raw tables. Pure.

A `Trace` is the answer for one column, a `Relation` for a table or a query: which columns its set
of rows depends on, and what each of its columns does. Both only ever grow when they are joined.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

ROWS = "*"


class Raw(NamedTuple):
    """A column of a table that came from outside; `ROWS` is which rows the table has."""

    table: str
    column: str

    def __str__(self) -> str:
        return f"the rows of {self.table}" if self.column == ROWS else f"{self.table}.{self.column}"


Raws = frozenset[Raw]
NOTHING: Raws = frozenset()


@dataclass(frozen=True)
class Trace:
    """What one value depends on. `made_of` is what it is computed from, the rest decides."""

    made_of: Raws = NOTHING
    depends: Raws = NOTHING

    def __or__(self, other: Trace) -> Trace:
        return Trace(self.made_of | other.made_of, self.depends | other.depends)

    def under(self, condition: Raws) -> Trace:
        """Return the trace of the same value where a condition decides whether it is there."""
        return Trace(self.made_of, self.depends | condition)

    @property
    def tables(self) -> frozenset[str]:
        """The raw tables that it depends on."""
        return frozenset(raw.table for raw in self.depends)

    @property
    def in_words(self) -> str:
        """What it is made of, column by column, and the other tables that it depends on."""
        if not self.made_of:
            return told(self.depends)
        others = sorted(self.tables - {raw.table for raw in self.made_of})
        return "; ".join([told(self.made_of), *([f"and {', '.join(others)}"] if others else [])])


@dataclass(frozen=True)
class Relation:
    """A table or a query: what its rows depend on, and its columns, in their order.

    Args:
        rows: what decides which rows there are, and how often.
        columns: the trace of each column.
        rest: the trace of a column that is not listed; None where every column is.
        keys: sets of columns of which no two rows have the same values.
        constants: columns that have one and the same value in every row.
        branches: the parts of a `union all`, which a filter on a constant can tell apart.
    """

    rows: Raws = NOTHING
    columns: Mapping[str, Trace] = field(default_factory=dict)
    rest: Trace | None = None
    keys: frozenset[frozenset[str]] = frozenset()
    constants: Mapping[str, str] = field(default_factory=dict)
    branches: tuple[Relation, ...] = ()

    @property
    def everything(self) -> Trace:
        """What its rows and all of its columns together depend on."""
        return self.cells.under(self.rows)

    @property
    def cells(self) -> Trace:
        """What all of its columns together depend on."""
        return joined([*self.columns.values(), *([self.rest] if self.rest else [])])

    def column(self, name: str) -> Trace | None:
        """Return the trace of a column, or None when there is none of that name."""
        return self.columns.get(name, self.rest)

    def under(self, condition: Raws) -> Relation:
        """Return the same columns where a condition decides whether their values are there."""
        return replace(
            self,
            columns={name: trace.under(condition) for name, trace in self.columns.items()},
            rest=self.rest.under(condition) if self.rest else None,
            constants={},
            branches=(),
        )

    def with_keys(self, keys: Iterable[frozenset[str]]) -> Relation:
        """Return it with more keys known."""
        return replace(self, keys=self.keys | frozenset(keys))


def told(raws: Iterable[Raw]) -> str:
    """Return raw columns in words, a table at a time: `transactions (business_date, its rows)`."""
    columns: dict[str, list[str]] = {}
    for raw in sorted(raws, key=lambda raw: (raw.table, raw.column == ROWS, raw.column)):
        columns.setdefault(raw.table, []).append("its rows" if raw.column == ROWS else raw.column)
    return "; ".join(f"{table} ({', '.join(names)})" for table, names in columns.items())


def joined(traces: Iterable[Trace]) -> Trace:
    """Return what all of the values together depend on."""
    found = list(traces)
    return Trace(
        NOTHING.union(*(trace.made_of for trace in found)),
        NOTHING.union(*(trace.depends for trace in found)),
    )


def stacked(parts: Iterable[Relation]) -> Relation:
    """Return a `union all`: columns by their place, named as in the first part.

    Raises:
        ValueError: when the parts do not have the same columns, all of them known.
    """
    found = list(parts)
    if len(found) == 1:
        return found[0]
    if any(part.rest for part in found):
        raise ValueError("a union of columns that are not all known")
    names = list(found[0].columns)
    columns = [
        joined(traces) for traces in zip(*(part.columns.values() for part in found), strict=True)
    ]
    renamed = [
        replace(
            branch,
            columns=dict(zip(names, branch.columns.values(), strict=True)),
            constants=_renamed(branch, names),
            keys=frozenset(),
            branches=(),
        )
        for part in found
        for branch in part.branches or (part,)
    ]
    return Relation(
        rows=NOTHING.union(*(part.rows for part in found)),
        columns=dict(zip(names, columns, strict=True)),
        branches=tuple(renamed),
    )


def _renamed(branch: Relation, names: list[str]) -> dict[str, str]:
    new = dict(zip(branch.columns, names, strict=True))
    return {new[name]: value for name, value in branch.constants.items()}
