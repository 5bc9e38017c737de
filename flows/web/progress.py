"""How far somebody is with a request: the answers that it still needs, of what it asks for only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flows.desk.fields import Question, questions
from flows.desk.request import KINDS

EMPTY: tuple[Any, ...] = (None, "", [], {}, ())


def asked_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what would be handed in: kinds that are ticked, be they empty, and no others."""
    ticked = [str(each) for each in content.get("kinds") or () if str(each) in KINDS]
    asked = {key: value for key, value in content.items() if key not in KINDS or key in ticked}
    return asked | {kind: content.get(kind) or {} for kind in ticked}


def left_out(content: Mapping[str, Any]) -> list[str]:
    """Return the kinds that are filled in and not ticked, as the form calls them."""
    ticked = content.get("kinds") or ()
    return [title for kind, title in KINDS.items() if content.get(kind) and kind not in ticked]


def missing(content: Mapping[str, Any]) -> list[str]:
    """Return the places of the answers that are needed and not there yet."""
    asked = asked_of(content)
    return list(_missing(questions(), asked, asked.get("kinds") or ()))


def _missing(
    among: Sequence[Question], content: Any, kinds: Sequence[str], place: str = ""
) -> Iterator[str]:
    content = content if isinstance(content, Mapping) else {}
    for each in among:
        value, where = content.get(each.name), f"{place}{each.name}"
        if each.widget == "group":
            if place or each.name not in KINDS or each.name in kinds:
                yield from _missing(each.fields, value, kinds, f"{where}.")
        elif each.required and value in EMPTY:
            yield where
        elif each.widget in ("rows", "named", "files"):
            for key, row in _rows(value):
                yield from _missing(each.fields, row, kinds, f"{where}.{key}.")


def _rows(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [(str(key), row) for key, row in value.items()]
    return [(str(n), row) for n, row in enumerate(value)] if isinstance(value, list) else []
