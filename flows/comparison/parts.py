"""The single customer view, taken apart: the sections it puts side by side, and each column's SQL.

To compare two views column by column nobody has to join all their sections. A column is read from
the sections it is written of and no others, where leaving out a join loses and doubles nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from flows.comparison.sides import Side
from flows.intake.casting import identifier

KEY = "customer_id"
INNER, LEFT, CROSS = "inner", "left", "cross"


@dataclass(frozen=True)
class Section:
    """One table of the view: how it is joined, and what the condition of a left join names."""

    alias: str
    relation: str
    kind: str
    on: str
    on_columns: tuple[str, ...]
    on_aliases: frozenset[str]


@dataclass(frozen=True)
class Written:
    """One column of the view: its SQL, and the sections that it names."""

    sql: str
    aliases: frozenset[str]
    straight: str | None  # the column of its one section that it passes straight through


@dataclass(frozen=True)
class Parts:
    """The sections of the view by alias, in the order of their joins, and its columns by name."""

    sections: Mapping[str, Section]
    columns: Mapping[str, Written]

    @property
    def inner(self) -> list[Section]:
        """The sections that have every customer."""
        return [each for each in self.sections.values() if each.kind == INNER]

    def named_by(self, column: str) -> list[Section]:
        """Return the sections that a column hangs on, in the order of their joins."""
        return self._closed(self.columns[column].aliases)

    def heavy(self, column: str) -> tuple[str, ...]:
        """Return the aliases of those of them that have many rows."""
        return tuple(each.alias for each in self.named_by(column) if each.kind != CROSS)

    def signature(self, column: str) -> tuple[str, ...]:
        """Return all that the view says of a column: its SQL, and the joins that it hangs on."""
        told = [f"{each.kind} {each.relation} {each.on}" for each in self.named_by(column)]
        return (self.columns[column].sql, *told)

    def source(self, columns: Iterable[str], side: Side) -> tuple[str, str]:
        """Return what stands after `from` to read some columns, and the alias of its key."""
        wanted: frozenset[str] = frozenset().union(*(self.columns[c].aliases for c in columns))
        sections = self._closed(wanted)
        first = next((each for each in sections if each.kind == INNER), self.inner[0])
        clauses = [f"{side.of(first.relation)} as {identifier(first.alias)}"]
        others = [each for each in sections if each is not first]
        for each in sorted(others, key=lambda each: (INNER, LEFT, CROSS).index(each.kind)):
            clauses.append(
                f"{each.kind} join {side.of(each.relation)} as {identifier(each.alias)} {each.on}"
            )
        return " ".join(clauses), first.alias

    def _closed(self, aliases: frozenset[str]) -> list[Section]:
        # What is joined on a column of another section needs that one too.
        wanted, more = set(aliases), set(aliases)
        while more:
            more = {each for alias in more for each in self.sections[alias].on_aliases} - wanted
            wanted |= more
        return [each for each in self.sections.values() if each.alias in wanted]


def take_apart(sql: str) -> Parts | None:
    """Return the parts of the view, or None where it is not sections side by side by customer."""
    try:
        query = sqlglot.parse_one(sql, dialect="duckdb")
    except SqlglotError:
        return None
    queries = {each.alias: each.this for each in query.find_all(exp.CTE)}
    final = queries.pop("final", None)
    tables = {alias: _table(each) for alias, each in queries.items()}
    if not isinstance(final, exp.Select) or None in tables.values():
        return None
    if any(value for name, value in final.args.items() if name not in _READ):
        return None
    sections = _sections(final, {alias: str(name) for alias, name in tables.items()})
    if sections is None:
        return None
    columns = {each.alias_or_name: _written(each.unalias(), sections) for each in final.selects}
    known = {name: each for name, each in columns.items() if each is not None}
    return Parts(sections, known) if len(known) == len(columns) and KEY in known else None


_READ = {"expressions", "from_", "joins"}


def _table(query: exp.Expr) -> str | None:
    """Return `schema.name` of a query that is `select * from` one table and nothing else."""
    if not isinstance(query, exp.Select) or any(
        value for name, value in query.args.items() if name not in ("expressions", "from_")
    ):
        return None
    table = query.args["from_"].this if query.args.get("from_") else None
    plain = [each.sql() for each in query.selects] == ["*"]
    if not isinstance(table, exp.Table) or not plain or not table.db:
        return None
    return f"{table.db}.{table.name}"


def _sections(final: exp.Select, tables: Mapping[str, str]) -> dict[str, Section] | None:
    first = final.args["from_"].this
    found: dict[str, Section] = {}
    for node in [first, *(join.this for join in final.args.get("joins") or [])]:
        if (
            not isinstance(node, exp.Table)
            or node.name not in tables
            or node.alias_or_name in found
        ):
            return None
        join = node.parent if isinstance(node.parent, exp.Join) else None
        section = _section(node.alias_or_name, tables[node.name], join)
        if section is None:
            return None
        found[section.alias] = section
    return found


def _section(alias: str, relation: str, join: exp.Join | None) -> Section | None:
    if join is None:
        return Section(alias, relation, INNER, f"using ({KEY})", (KEY,), frozenset())
    side, kind = str(join.side or "").lower(), str(join.kind or "").lower()
    using = [each.name for each in join.args.get("using") or []]
    on = join.args.get("on")
    if kind == CROSS:
        return Section(alias, relation, CROSS, "", (), frozenset())
    if kind not in ("", INNER) or side not in ("", LEFT) or (not using and on is None):
        return None
    if using and using != [KEY]:
        return None
    how = LEFT if side == LEFT else INNER
    if using:
        return Section(alias, relation, how, f"using ({KEY})", (KEY,), frozenset())
    if how != LEFT or not isinstance(on, exp.EQ):
        return None
    columns = list(on.find_all(exp.Column))
    mine = tuple(sorted(each.name for each in columns if each.table == alias))
    others = frozenset(each.table for each in columns) - {alias}
    said = f"on {on.sql(dialect='duckdb', comments=False)}"
    return Section(alias, relation, LEFT, said, mine, others) if len(mine) == 1 else None


def _written(node: exp.Expr, sections: Mapping[str, Section]) -> Written | None:
    aliases = frozenset(each.table for each in node.find_all(exp.Column))
    if not aliases <= set(sections) or node.find(exp.AggFunc, exp.Window, exp.Query, exp.Star):
        return None
    straight = node.name if isinstance(node, exp.Column) else None
    return Written(node.sql(dialect="duckdb", comments=False), aliases, straight)
