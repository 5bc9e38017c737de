"""The names that one select can see, and what its expressions depend on.

Used by `column_lineage`: a scope is filled join by join, as the engine would, and keeps what
decides which rows there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from sqlglot import exp

from flows.campaigns.clauses import Untraceable, conjuncts
from flows.campaigns.traces import NOTHING, ROWS, Raws, Relation, Trace, joined

Origin = tuple[str, str]  # the alias of a source, and a column of it


class Scope:
    """The sources of one select, and what its rows depend on so far."""

    def __init__(
        self,
        alias: str,
        source: Relation,
        projections: Sequence[exp.Expr],
        nested: Callable[[exp.Expr, Scope], Relation],
        outer: Scope | None,
    ) -> None:
        self.rows: Raws = source.rows
        # What stands behind one row of the result: all rows before they were folded into groups.
        self.folded: Raws = source.rows
        self.keys = {frozenset((alias, name) for name in key) for key in source.keys}
        self._sources = {alias: source}
        self._merged: dict[str, tuple[Origin, Trace]] = {}
        self._named = {each.alias.lower(): each for each in projections if each.alias}
        self._nested = nested
        self._outer = outer

    def join(self, join: exp.Join, alias: str, right: Relation) -> None:
        """Add a source.

        Raises:
            Untraceable: when it is a kind of join that is not known here.
        """
        side, kind = join.side.upper(), join.kind.upper()
        strange = join.method or join.args.get("match_condition") or join.args.get("pivots")
        known = side in ("", "LEFT", "RIGHT", "FULL")
        known = known and kind in ("", "INNER", "OUTER", "CROSS", "SEMI", "ANTI")
        if strange or not known or alias in self._sources:
            raise Untraceable(f"a join: {join.sql(dialect='duckdb')[:60]}")
        using = [name.name.lower() for name in join.args.get("using") or []]
        left = {name: self._column(name) for name in using}
        origins = {name: self._origin(name) for name in using}
        right_keys = [_known(right.column(name), name) for name in using]
        self._sources[alias] = right
        condition = joined([*left.values(), *right_keys]).depends
        condition |= self._condition(join.args.get("on"))
        at_most_one = self._matches_at_most_once(right, alias, set(using), join.args.get("on"))
        if side == "LEFT":
            self._sources[alias] = right.under(right.rows | condition)
            self.rows |= NOTHING if at_most_one else right.rows | condition
        else:
            self.rows |= right.rows | condition
        if kind in ("SEMI", "ANTI"):
            del self._sources[alias]
            return
        if side in ("RIGHT", "FULL"):
            self._sources = {name: each.under(self.rows) for name, each in self._sources.items()}
            left = {
                name: (trace | _known(right.column(name), name)).under(self.rows)
                for name, trace in left.items()
            }
            at_most_one = False
        if not at_most_one:
            self.keys = set()
        self._merged |= {name: (origins[name] or (alias, name), left[name]) for name in using}

    def filter(self, clause: exp.Expr | None) -> None:
        """Keep the rows that a `where`, `having` or `qualify` asks for."""
        condition = self._condition(clause.this if clause else None)
        self.rows |= condition
        self.folded |= condition | self.rows

    def fold(self, keys: Raws) -> None:
        """Fold the rows into groups."""
        self.rows |= keys
        self.folded = self.rows

    def become_one_row(self) -> None:
        """An aggregate without a group has one row, also over none."""
        self.rows = NOTHING
        self.keys = {frozenset()}

    def add_key(self, nodes: Sequence[exp.Expr]) -> None:
        """Note that no two rows agree in all of these, where they are bare columns."""
        origins = [self.origin(node) for node in nodes]
        if None not in origins:
            self.keys.add(frozenset(origin for origin in origins if origin is not None))

    def expression(self, node: exp.Expr) -> Trace:
        """Return what the value of an expression depends on.

        Raises:
            Untraceable: when it names what no source has.
        """
        if isinstance(node, exp.Column):
            return self._of_column(node)
        if isinstance(node, exp.Exists):
            return Trace().under(self._nested(node.this, self).rows)
        if isinstance(node, exp.Query):
            return self._nested(node, self).everything
        if isinstance(node, exp.Columns):
            raise Untraceable("columns chosen by a pattern")
        parts = joined(self.expression(child) for child in node.iter_expressions())
        if isinstance(node, exp.Window):
            return Trace(self.expression(node.this).made_of, parts.depends | self.folded)
        if isinstance(node, exp.Count) and isinstance(node.this, exp.Star):
            counted = frozenset(raw for raw in self.folded if raw.column == ROWS)
            return Trace(counted, self.folded)
        # A function that sqlglot does not know may be an aggregate.
        if isinstance(node, (exp.AggFunc, exp.Anonymous)):
            return parts.under(self.folded)
        return parts

    def origin(self, column: exp.Expr) -> Origin | None:
        """Return the source and the name of a bare column, None when it is not sure."""
        if not isinstance(column, exp.Column):
            return None
        name, table = column.name.lower(), column.table.lower()
        if not table:
            return self._origin(name)
        return (table, name) if table in self._sources else None

    def constant(self, origin: Origin) -> str | None:
        """Return the value that a column has in every row, where it is known."""
        return self._sources[origin[0]].constants.get(origin[1])

    def star(self, node: exp.Expr) -> Iterator[tuple[str, Trace, Origin | None]]:
        """Yield the columns that a star stands for.

        Raises:
            Untraceable: when it renames or replaces, or a source does not list its columns.
        """
        star = node.this if isinstance(node, exp.Column) else node
        if not isinstance(star, exp.Star) or any(
            value for word, value in star.args.items() if word != "except_"
        ):
            raise Untraceable("a star that renames")
        left_out = {each.name.lower() for each in star.args.get("except_") or []}
        table = node.table.lower() if isinstance(node, exp.Column) else ""
        if table and table not in self._sources:
            raise Untraceable(f"a star of {table}")
        shown: set[str] = set()
        for alias in [table] if table else list(self._sources):
            for name, trace in self._sources[alias].columns.items():
                if name in left_out or (not table and name in self._merged and name in shown):
                    continue
                shown.add(name)
                merged = None if table else self._merged.get(name)
                yield name, merged[1] if merged else trace, (alias, name)

    def rest(self) -> Trace | None:
        """Return what the columns depend on that the sources do not list."""
        rests = [each.rest for each in self._sources.values() if each.rest]
        return joined(rests) if rests else None

    def cells(self) -> Raws:
        """Return what all columns of all sources depend on."""
        return joined(each.cells for each in self._sources.values()).depends

    def _condition(self, node: exp.Expr | None) -> Raws:
        return self.expression(node).depends if node is not None else NOTHING

    def _of_column(self, node: exp.Column) -> Trace:
        name, table = node.name.lower(), node.table.lower()
        if node.args.get("db") or isinstance(node.this, exp.Star):
            raise Untraceable(f"{node.sql(dialect='duckdb')} is no plain column")
        return self._column_of(table, name) if table else self._column(name)

    def _column_of(self, table: str, name: str) -> Trace:
        if table in self._sources:
            return _known(self._sources[table].column(name), f"{table}.{name}")
        if self._outer is not None:
            return self._outer._column_of(table, name)
        raise Untraceable(f"nothing here is called {table}")

    def _column(self, name: str) -> Trace:
        if name in self._merged:
            return self._merged[name][1]
        sources = self._sources.values()
        listed = [each.columns[name] for each in sources if name in each.columns]
        if listed:
            return joined(listed)
        # Not listed anywhere: it may be any of these.
        found = [each.rest for each in sources if each.rest]
        if name in self._named:
            found.append(self._of_alias(name))
        with suppress(Untraceable):
            found += [self._outer._column(name)] if self._outer else []
        if not found:
            raise Untraceable(f"no source has the column {name}")
        return joined(found)

    def _of_alias(self, name: str) -> Trace:
        projection = self._named.pop(name)  # so that it cannot be asked for within itself
        try:
            return self.expression(projection.unalias())
        finally:
            self._named[name] = projection

    def _origin(self, name: str) -> Origin | None:
        if name in self._merged:
            return self._merged[name][0]
        listing = [alias for alias, each in self._sources.items() if name in each.columns]
        return (listing[0], name) if len(listing) == 1 else None

    def _matches_at_most_once(
        self, right: Relation, alias: str, using: set[str], on: exp.Expr | None
    ) -> bool:
        fixed = set(using)
        for each in conjuncts(on):
            if isinstance(each, exp.EQ):
                for column, other in ((each.this, each.expression), (each.expression, each.this)):
                    origin = self.origin(column)
                    if origin and origin[0] == alias and not self._mentions(other, alias):
                        fixed.add(origin[1])
        return any(key <= fixed for key in right.keys)

    def _mentions(self, node: exp.Expr, alias: str) -> bool:
        if node.find(exp.Query):
            return True
        origins = [self.origin(column) for column in node.find_all(exp.Column)]
        return any(origin is None or origin[0] == alias for origin in origins)


def _known(trace: Trace | None, name: str) -> Trace:
    if trace is None:
        raise Untraceable(f"no source has the column {name}")
    return trace
