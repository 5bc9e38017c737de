"""Column lineage of one query: SQL and what its tables depend on, to what its result depends on.

The query is read by sqlglot and followed from its tables outwards, clause by clause, as DuckDB
would run it, with sets of raw columns in place of values. Nothing is guessed: what is not known
here is `Untraceable`, and whoever asks must count on everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from flows.campaigns.clauses import Untraceable, aggregates, conjuncts, refuse_all_but, unpivoted
from flows.campaigns.scopes import Origin, Scope
from flows.campaigns.traces import NOTHING, Raws, Relation, Trace, joined, stacked

Catalog = Callable[[str, str], Relation]  # (schema, name) of a table → what it depends on

PLAIN = {"with_", "expressions", "from_", "joins", "where", "order", "operation_modifiers"}
FOLDING = {"group", "having", "qualify", "distinct", "limit", "offset"}
# Without a group, a query over these has exactly one row, whatever it reads.
ONE_ROW = (
    *(exp.Sum, exp.Avg, exp.Count, exp.CountIf, exp.Min, exp.Max, exp.Median),
    *(exp.ArgMax, exp.ArgMin, exp.GroupConcat, exp.LogicalAnd, exp.LogicalOr),
)
# What these come to hangs on the order of the rows, unless they are told one.
IN_ORDER = (exp.ArrayAgg, exp.GroupConcat, exp.First, exp.Last, exp.AnyValue)


def trace(sql: str, catalog: Catalog) -> Relation:
    """Return what the rows and the columns of a query depend on.

    Raises:
        Untraceable: when the SQL cannot be read, or says what is not understood here.
    """
    try:
        return _of_query(_parsed(sql), _Names(catalog))
    except (SqlglotError, RecursionError, ValueError) as error:
        raise Untraceable(str(error).splitlines()[0]) from None


@lru_cache(maxsize=256)
def _parsed(sql: str) -> exp.Expr:
    # Most of the time goes into reading SQL, and a model is asked about more than once.
    return sqlglot.parse_one(sql, dialect="duckdb")


@dataclass(frozen=True)
class _Names:
    """What a query may read by name: the tables of the graph, and the queries before it."""

    catalog: Catalog
    queries: Mapping[str, Relation] = field(default_factory=dict)

    def table(self, table: exp.Table) -> Relation:
        refuse_all_but(table, {"this", "db", "alias", "pivots"})
        if not isinstance(table.this, exp.Identifier):
            raise Untraceable(f"{table.sql()} is a function")
        name = table.name.lower()
        here = not table.db and name in self.queries
        found = self.queries[name] if here else self.catalog(table.db.lower(), name)
        for pivot in table.args.get("pivots") or []:
            found = unpivoted(found, pivot)
        return found


def _of_query(query: exp.Expr, names: _Names, outer: Scope | None = None) -> Relation:
    if not isinstance(query, exp.Query):
        raise Untraceable(f"{type(query).__name__} is no query")
    names = _with_queries(query, names, outer)
    if isinstance(query, exp.Select):
        return _of_select(query, names, outer)
    if isinstance(query, exp.SetOperation):
        return _of_set_operation(query, names, outer)
    refuse_all_but(query, {"this", "alias", "with_"})
    return _of_query(query.this, names, outer)


def _with_queries(query: exp.Query, names: _Names, outer: Scope | None) -> _Names:
    clause = query.args.get("with_")
    if clause is not None and clause.args.get("recursive"):
        raise Untraceable("a recursive query")
    for each in query.ctes:
        found = _renamed(_of_query(each.this, names, outer), each.args.get("alias"))
        names = replace(names, queries={**names.queries, each.alias.lower(): found})
    return names


def _of_set_operation(query: exp.SetOperation, names: _Names, outer: Scope | None) -> Relation:
    refuse_all_but(query, {"with_", "this", "expression", "distinct", "order"})
    parts = [_of_query(side, names, outer) for side in (query.this, query.expression)]
    found = stacked(parts)
    if isinstance(query, exp.Union) and not query.args.get("distinct"):
        return found
    # Which rows are the same as others, or also there, is a matter of every column.
    every = frozenset([frozenset(found.columns)])
    return replace(found, rows=found.everything.depends, keys=every, branches=())


def _of_select(select: exp.Select, names: _Names, outer: Scope | None) -> Relation:
    refuse_all_but(select, PLAIN | FOLDING)
    alias, source = _first_source(select, names, outer)
    kept = [each for each in source.branches if not _never(select, alias, each)]
    if not kept:
        return _over(select, alias, source, names, outer)
    plain = not select.args.get("joins") and not any(select.args.get(word) for word in FOLDING)
    if plain and not any(each.find(exp.AggFunc, exp.Window) for each in select.selects):
        return stacked(_over(select, alias, branch, names, outer) for branch in kept)
    if len(kept) < len(source.branches):
        source = stacked(kept)
    return _over(select, alias, source, names, outer)


def _never(select: exp.Select, alias: str, branch: Relation) -> bool:
    """True when the filter asks for another value than a column has in every row."""
    for each in conjuncts(select.args.get("where")):
        if isinstance(each, exp.EQ) and isinstance(each.this, exp.Column):
            told = branch.constants.get(each.this.name.lower())
            if each.this.table.lower() in ("", alias) and isinstance(each.expression, exp.Literal):
                other = each.expression.is_string and each.expression.this != told
                if told is not None and other:
                    return True
    return False


def _first_source(select: exp.Select, names: _Names, outer: Scope | None) -> tuple[str, Relation]:
    clause = select.args.get("from_")
    return _source(clause.this, names, outer) if clause else ("", Relation())


def _source(node: exp.Expr, names: _Names, outer: Scope | None) -> tuple[str, Relation]:
    alias = node.args.get("alias")
    if isinstance(node, exp.Table):
        return node.alias_or_name.lower(), _renamed(names.table(node), alias)
    if isinstance(node, exp.Subquery):
        return node.alias.lower(), _renamed(_of_query(node, names, outer), alias)
    raise Untraceable(f"{type(node).__name__} as a table")


def _renamed(found: Relation, alias: exp.Expr | None) -> Relation:
    new = [each.name.lower() for each in alias.args.get("columns") or []] if alias else []
    if not new:
        return found
    if len(new) > len(found.columns) or found.rest:
        raise Untraceable("columns renamed that are not all known")
    kept = list(found.columns)[len(new) :]
    columns = dict(zip([*new, *kept], found.columns.values(), strict=True))
    return Relation(found.rows, columns)


def _over(
    select: exp.Select, alias: str, source: Relation, names: _Names, outer: Scope | None
) -> Relation:
    """Follow one select over its first source."""

    def nested(query: exp.Expr, scope: Scope) -> Relation:
        return _of_query(query, names, scope)

    scope = Scope(alias, source, select.selects, nested, outer)
    for join in select.args.get("joins") or []:
        scope.join(join, *_source(join.this, names, outer))
    scope.filter(select.args.get("where"))
    grouped = _group(select, scope)
    scope.filter(select.args.get("having"))
    _qualify(select, scope)
    columns, origins, constants = _columns(select, scope, grouped)
    found = Relation(
        rows=scope.rows,
        columns=columns,
        rest=scope.rest() if any(each.is_star for each in select.selects) else None,
        keys=_keys(scope, origins),
        constants=constants,
    )
    return _cut(select, scope, found)


def _group(select: exp.Select, scope: Scope) -> set[str] | None:
    """Fold the rows of the scope; return the SQL of the group's keys, None without a group."""
    clause = select.args.get("group")
    if clause is None:
        folding = [each for node in select.selects for each in aggregates(node)]
        if folding or select.args.get("having"):
            scope.fold(NOTHING)
            if folding and all(isinstance(each, ONE_ROW) for each in folding):
                scope.become_one_row()
        return None
    refuse_all_but(clause, {"expressions"})
    keys = [_key(each, select) for each in clause.expressions]
    scope.fold(joined(scope.expression(key) for key in keys).depends)
    scope.keys = set()
    scope.add_key(keys)
    return {key.sql() for key in keys}


def _key(node: exp.Expr, select: exp.Select) -> exp.Expr:
    if isinstance(node, exp.Literal) and node.is_int:
        return select.selects[int(node.this) - 1].unalias()
    return node


def _qualify(select: exp.Select, scope: Scope) -> None:
    clause = select.args.get("qualify")
    scope.filter(clause)
    for each in conjuncts(clause):
        window = each.this if isinstance(each, exp.EQ) and each.expression.sql() == "1" else None
        if isinstance(window, exp.Window) and isinstance(window.this, exp.RowNumber):
            scope.add_key(window.args.get("partition_by") or [])


def _columns(
    select: exp.Select, scope: Scope, grouped: set[str] | None
) -> tuple[dict[str, Trace], dict[Origin, str], dict[str, str]]:
    columns: dict[str, Trace] = {}
    origins: dict[Origin, str] = {}
    constants: dict[str, str] = {}
    for name, node, found, origin in _projections(select, scope):
        folded = grouped is not None and node is not None and node.sql() not in grouped
        if name in columns:
            raise Untraceable(f"two columns {name}")
        columns[name] = found.under(scope.folded) if folded else found
        if origin is not None:
            origins.setdefault(origin, name)
            if scope.constant(origin) is not None:
                constants[name] = str(scope.constant(origin))
        elif isinstance(node, exp.Literal) and node.is_string:
            constants[name] = node.this
    return columns, origins, constants


def _projections(
    select: exp.Select, scope: Scope
) -> Iterator[tuple[str, exp.Expr | None, Trace, Origin | None]]:
    for each in select.selects:
        if each.is_star:
            for name, found, origin in scope.star(each):
                yield name, None, found, origin
            continue
        node = each.unalias()
        origin = scope.origin(node) if isinstance(node, exp.Column) else None
        yield (each.alias_or_name or node.sql()).lower(), node, scope.expression(node), origin


def _keys(scope: Scope, origins: Mapping[Origin, str]) -> frozenset[frozenset[str]]:
    return frozenset(
        frozenset(origins[origin] for origin in key)
        for key in scope.keys
        if all(origin in origins for origin in key)
    )


def _cut(select: exp.Select, scope: Scope, found: Relation) -> Relation:
    """Return the result after `distinct`, `limit` and what hangs on the order of the rows."""
    decides: Raws = NOTHING
    if select.args.get("distinct"):
        if select.args["distinct"].args.get("on"):
            decides |= scope.cells()
        decides |= found.cells.depends
        found = found.with_keys([frozenset(found.columns)])
    if select.args.get("limit") or select.args.get("offset"):
        # Where the order leaves a tie, any column may decide which row is the last.
        decides |= found.cells.depends | scope.cells()
    loose = [each for node in select.selects for each in node.find_all(*IN_ORDER)]
    if any(each.find(exp.Order) is None for each in loose):
        found = found.under(scope.cells())
    return replace(found, rows=found.rows | decides)
