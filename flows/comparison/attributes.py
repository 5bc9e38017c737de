"""Columns that differ, as the report tells them: with a few customers, and nothing of a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flows.comparison.result import HIDDEN, VIEW, AttributeChange, Example
from flows.comparison.rows import Pair, RowsChange, values_of
from flows.comparison.sides import Side, Sides

KEY = ("customer_id",)


def told_attributes(
    sides: Sides,
    relation: str,
    pair: Pair,
    change: RowsChange,
    both: int,
    own: Mapping[str, str],
) -> list[AttributeChange]:
    """Return the columns of one relation that differ in a pair of queries.

    Args:
        relation: whose columns; a pair may hold those of a section beside those of the view.
        both: rows that are there in both builds: what shares are taken of.
        own: names of the pair's cells that are columns of another relation than the view, and
            what they are called there.
    """
    mine = [cell for cell in change.cells if (cell.name in own) == (relation != VIEW)]
    names = {cell.name: own.get(cell.name, cell.name) for cell in mine}
    hidden = {cell.name: _is_hidden(sides, relation, names[cell.name]) for cell in mine}
    shown = [cell for cell in mine if pair.key == KEY]
    keys = [key for cell in shown for key in cell.examples]
    values = values_of(sides, pair, keys, [(cell.name, hidden[cell.name]) for cell in shown])
    found = []
    for cell in mine:
        examples = tuple(
            Example(
                customer_id=int(key),
                before=_told(values[key][cell.name][0], hidden[cell.name]),
                after=_told(values[key][cell.name][1], hidden[cell.name]),
            )
            for key in (cell.examples if cell in shown else ())
        )
        found.append(
            AttributeChange(
                name=names[cell.name],
                data_type=sides.after.columns[relation][names[cell.name]],
                is_personal=hidden[cell.name],
                changed=cell.changed,
                share=round(cell.changed / both, 9) if both else 0.0,
                lost=cell.lost,
                gained=cell.gained,
                examples=examples,
            )
        )
    return found


def _told(value: str | None, hidden: bool) -> str | None:
    return HIDDEN if hidden and value is not None else value


def _is_hidden(sides: Sides, relation: str, column: str) -> bool:
    """True where a model says that a column is a person's, or nobody says that its words are not.

    The view says so of each of its columns that may name somebody; of other relations words are
    only shown where the view has a column of that name.
    """
    sides_told = [_meta(side, name, column) for side in _both(sides) for name in (relation, VIEW)]
    if any(meta is not None and meta.get("personal") for meta in sides_told):
        return True
    in_view = any(column in side.columns.get(VIEW, {}) for side in _both(sides))
    return not in_view and "VARCHAR" in sides.after.columns[relation][column]


def _meta(side: Side, relation: str, column: str) -> dict[str, Any] | None:
    columns = side.nodes.get(relation, {}).get("columns", {})
    told = columns.get(column)
    return None if told is None else dict(told.get("config", {}).get("meta", {}))


def _both(sides: Sides) -> tuple[Side, Side]:
    return sides.before, sides.after
