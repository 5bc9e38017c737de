"""Which fields a request makes or changes: attributes, raw tables, raw columns `table.column`.

A request need not be complete: what is not there is not told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from flows.comparison.finding import percent
from flows.desk.kinds import PurchaseHistory

Field = tuple[str, str]  # the field, and what is done with it


def touched(content: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what a request does with each field that it names, in words."""
    found: dict[str, list[str]] = {}
    for name, words in _all(content):
        if name and words not in found.setdefault(name, []):
            found[name].append(words)
    found.pop("", None)
    return found


def _all(content: Mapping[str, Any]) -> Iterator[Field]:
    yield from _table(_part(content, "new_table"))
    yield from _columns(_part(content, "columns"))
    yield from _attribute(_part(content, "attribute"))
    yield from _activity(_part(content, "activity"))
    yield from _purchases(_part(content, "purchases"))
    yield from _expects(_part(content, "expects"))


def _table(part: Mapping[str, Any]) -> Iterator[Field]:
    table = _text(part, "name")
    if table:
        yield table, "a new table"
    for column in _rows(part, "columns"):
        yield _column(table, column), "comes with the new table"


def _columns(part: Mapping[str, Any]) -> Iterator[Field]:
    table = _text(part, "table")
    names = [_text(each, "name") for each in _rows(part, "columns")]
    if table and names:
        yield table, f"gets {', '.join(names)}"
    for name in names:
        yield f"{table}.{name}" if table and name else "", f"a new column of {table}"
    for attribute in _names(part, "read_by"):
        yield attribute, f"is to read {', '.join(names)} of {table}"


def _attribute(part: Mapping[str, Any]) -> Iterator[Field]:
    name, old = _text(part, "name"), _text(part, "replaces")
    if name:
        yield name, f"a new attribute: {_text(part, 'label') or name}"
        yield old, f"is replaced by {name}"
        yield name if old else "", f"replaces {old}"


def _activity(part: Mapping[str, Any]) -> Iterator[Field]:
    event, table = _text(part, "event"), _text(part, "table")
    words = f"its events become the history of {event}"
    yield table, words
    for key in ("customer_column", "time_column"):
        column = _text(part, key)
        yield f"{table}.{column}" if table and column else "", f"read for the history of {event}"
    for attribute in _names(part, "attributes"):
        yield attribute, f"is to be made from the history of {event}"


def _purchases(part: Mapping[str, Any]) -> Iterator[Field]:
    if part:
        # A table that nobody wrote down is the one that the form has filled in.
        table = _text(part, "table") or str(PurchaseHistory.model_fields["table"].default)
        yield table, "what counts as a purchase in it, and as how much"


def _expects(part: Mapping[str, Any]) -> Iterator[Field]:
    attributes = part.get("attributes")
    for name, told in (attributes if isinstance(attributes, Mapping) else {}).items():
        share = told.get("share_at_most") if isinstance(told, Mapping) else None
        most = f" for up to {percent(share)} of the customers" if _is_number(share) else ""
        why = f": {told['why']}" if isinstance(told, Mapping) and told.get("why") else ""
        yield str(name), f"may change{most}{why}"
    columns = _part(part, "columns")
    words = {
        "new": "a new column",
        "removed": "goes",
        "retyped": "gets another type",
        "moved": "stands in another place",
    }
    for kind, said in words.items():
        # Columns of other relations have dots in their names: those are no fields of these pages.
        for name in _names(columns, kind):
            yield name if "." not in name else "", said


def _column(table: str, column: Mapping[str, Any]) -> str:
    name = _text(column, "name")
    return f"{table}.{name}" if table and name else ""


def _part(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = content.get(name)
    return found if isinstance(found, Mapping) else {}


def _rows(part: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = part.get(name)
    listed = found if isinstance(found, list | tuple) else []
    return [each for each in listed if isinstance(each, Mapping)]


def _names(part: Mapping[str, Any], name: str) -> list[str]:
    found = part.get(name)
    return [str(each) for each in found] if isinstance(found, list | tuple) else []


def _text(part: Mapping[str, Any], name: str) -> str:
    return str(part.get(name) or "").strip()


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
