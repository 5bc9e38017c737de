"""Rows that somebody copied from a spreadsheet, as text with tabs, commas or semicolons."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

Rows = list[dict[str, str]]


class NotASheet(ValueError):
    """The text is no table with a line of names; its words are fit for a person."""


def rows_of(text: str) -> Rows:
    """Return the rows below the first line, by the names of that line.

    Raises:
        NotASheet: when a row or a name would be lost by that.
    """
    lines = [line for line in _cells(text.strip("\n")) if any(line)]
    if not lines:
        return []
    names = lines[0]
    while names and not names[-1]:
        names.pop()
    if "" in names:
        raise NotASheet("the first line has the names of the columns, and one of them is empty")
    if len(set(names)) < len(names):
        raise NotASheet("two columns of the first line have one name")
    if len(lines) == 1:
        raise NotASheet("has only the line of names: the rows are to follow below it")
    return [_row(names, line, number) for number, line in enumerate(lines[1:], start=1)]


def text_of(rows: Sequence[Mapping[str, object]]) -> str:
    """Return rows as text that a spreadsheet takes when it is pasted."""
    text = io.StringIO()
    csv.writer(text, delimiter="\t", lineterminator="\n").writerows(table_of(rows))
    return text.getvalue().rstrip("\n")


def table_of(rows: Sequence[Mapping[str, object]]) -> list[list[str]]:
    """Return rows as texts, with the names of the columns as their first line."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [[str(name) for name in names], *([_cell(row.get(n)) for n in names] for row in rows)]


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def _row(names: Sequence[str], cells: Sequence[str], number: int) -> dict[str, str]:
    if any(cells[len(names) :]):
        raise NotASheet(f"row {number} has more cells than the first line has names")
    filled = [*cells, *[""] * len(names)]
    return dict(zip(names, filled, strict=False))


def _cells(text: str) -> list[list[str]]:
    first = text.split("\n", 1)[0]
    delimiter = "\t" if "\t" in first else max(",;", key=first.count)
    try:
        found = list(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True))
    except csv.Error:
        # A quotation mark that is none: inches, say. Then every line is a row.
        plain = csv.reader(io.StringIO(text), delimiter=delimiter, quoting=csv.QUOTE_NONE)
        found = list(plain)
    return [[cell.strip() for cell in line] for line in found]
