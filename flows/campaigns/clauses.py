"""The parts of a query, as sqlglot reads them."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from flows.campaigns.traces import Relation, Trace, joined


class Untraceable(Exception):
    """What a query depends on cannot be known: count on everything."""


def refuse_all_but(node: exp.Expr, known: set[str]) -> None:
    """Make sure that a part of a query says nothing but what is known.

    Raises:
        Untraceable: when it does.
    """
    strange = [word for word, value in node.args.items() if value and word not in known]
    if strange:
        raise Untraceable(f"{type(node).__name__} with {', '.join(strange)}")


def conjuncts(node: exp.Expr | None) -> list[exp.Expr]:
    """Return the conditions that all hold where a clause holds."""
    if node is None:
        return []
    if isinstance(node, (exp.Where, exp.Qualify, exp.Paren)):
        return conjuncts(node.this)
    if isinstance(node, exp.And):
        return [*conjuncts(node.this), *conjuncts(node.expression)]
    return [node]


def aggregates(node: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the aggregates of an expression that fold rows: not those over a window."""
    if isinstance(node, exp.Query):
        return
    if isinstance(node, exp.Window):
        over: exp.Expr = node.this
        while isinstance(over, (exp.Filter, exp.IgnoreNulls, exp.RespectNulls, exp.WithinGroup)):
            over = over.this
        inside = [each for each in node.iter_expressions() if each is not node.this]
        for child in [*inside, *over.iter_expressions()]:
            yield from aggregates(child)
        return
    if isinstance(node, exp.AggFunc):
        yield node
        return
    for child in node.iter_expressions():
        yield from aggregates(child)


def unpivoted(found: Relation, pivot: exp.Expr) -> Relation:
    """Return a table whose columns are turned into rows: one for each value that is there.

    Raises:
        Untraceable: when rows are turned into columns, or a column is not known.
    """
    refuse_all_but(pivot, {"expressions", "fields", "unpivot"})
    fields, values = pivot.args.get("fields") or [], pivot.expressions
    if not pivot.args.get("unpivot") or len(fields) != 1 or len(values) != 1 or found.rest:
        raise Untraceable("a pivot that is no plain unpivot")
    names = [each.name.lower() for each in fields[0].expressions]
    if not all(name in found.columns for name in names):
        raise Untraceable("an unpivot of a column that is not known")
    turned = joined(found.columns[name] for name in names)
    kept = {name: told for name, told in found.columns.items() if name not in names}
    name, value = fields[0].this.name.lower(), values[0].name.lower()
    return Relation(
        found.rows | turned.depends,
        {**kept, name: Trace().under(turned.depends), value: turned},
    )
