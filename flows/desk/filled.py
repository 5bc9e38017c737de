"""A request as paper and pages show it: its questions in order, each with what was answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flows.desk.fields import Question, questions
from flows.desk.request import KINDS

FREE = ("long", "rows", "named", "sheet", "files")
LINES = {"long": 4}
BLANK_ROWS = 4
BLANK_COLUMNS = 5  # of a sheet whose columns nobody has named yet
SIGNED_BY = ("Asked for by", "Project manager", "Accepted by")


def filled_in(content: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a request section by section, as JSON can say it; the empty form when there is none.

    A field has a label and a help, and one of: a value, choices, rows with a head, or fields.
    """
    said = content or {}
    kinds = said.get("kinds") or list(KINDS)
    shown = [each for each in questions() if each.name not in KINDS or each.name in kinds]
    plain = [each for each in shown if each.widget != "group"]
    sections = [{"title": "The request", "help": "", "fields": _fields(plain, said, content)}]
    for each in shown:
        if each.widget == "group":
            inner = said.get(each.name)
            inner = inner if isinstance(inner, Mapping) else {}
            fields = _fields(each.fields, inner, content)
            sections.append({"title": each.title, "help": each.help, "fields": fields})
    number = str(said.get("id", "Change request"))
    consent = ("Privacy approver",) if said.get("about_consent") else ()
    return {
        "blank": content is None,
        "number": number,
        "status": str(said.get("status", "")),
        "client": str(said.get("client", "")),
        "author": str(said.get("asked_by", "")),
        "title": f"{number}: {said.get('title', '')}" if content else "Change request",
        "heading": str(said.get("title") or "Change request"),
        "sections": sections,
        "history": [
            {key: str(each.get(key, "")) for key in ("at", "status", "who", "note")}
            for each in said.get("history") or ()
        ],
        "signatures": [*SIGNED_BY, *consent][-3:],
    }


def _fields(
    asked: tuple[Question, ...] | list[Question],
    said: Mapping[str, Any],
    content: Mapping[str, Any] | None,
) -> list[dict[str, Any]]:
    return [_field(each, said.get(each.name), content is None) for each in asked]


def _field(question: Question, value: Any, is_blank: bool) -> dict[str, Any]:
    rows = _rows(question, value, is_blank)
    inner: list[dict[str, Any]] = []
    if question.widget == "group":
        found = value if isinstance(value, Mapping) else {}
        inner = [_field(each, found.get(each.name), is_blank) for each in question.fields]
    return {
        "label": question.title,
        "help": question.help,
        "required": question.required,
        "wide": question.widget in FREE,
        "lines": LINES.get(question.widget, 1),
        "value": _words(value) if rows is None and not inner else None,
        "choices": _choices(question, value),
        "rows": rows,
        "fields": inner,
    }


def _choices(question: Question, value: Any) -> list[dict[str, Any]]:
    if question.widget == "yes_no":
        return [
            {"label": "yes", "on": value is True},
            {"label": "no", "on": value is False},
        ]
    picked = [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)]
    return [{"label": each.label, "on": each.value in picked} for each in question.choices]


def _rows(question: Question, value: Any, is_blank: bool) -> dict[str, Any] | None:
    """What is asked for as a table: its head, and its cells as texts."""
    match question.widget:
        case "rows" | "files":
            head = {each.name: each.title for each in question.fields}
            found = [dict(row) for row in value or () if isinstance(row, Mapping)]
        case "named":
            head = {"": "Name", **{each.name: each.title for each in question.fields}}
            told = value if isinstance(value, Mapping) else {}
            found = [{"": name, **row} for name, row in told.items()]
        case "sheet":
            found = [dict(row) for row in value or () if isinstance(row, Mapping)]
            names = list(found[0]) if found else [""] * (BLANK_COLUMNS - 1) + ["expected"]
            if not found and not is_blank:
                return None
            if not found:
                return _blank(names)
            head = {name: name for name in names}
        case _:
            return None
    if not found:
        return _blank(list(head.values())) if is_blank else None
    # Columns that nobody has filled in are left out, so that the others have room.
    used = [name for name in head if any(row.get(name) not in (None, "", [], ()) for row in found)]
    cells = [[_words(row.get(name)) or "" for name in used] for row in found]
    return {"head": [head[name] for name in used], "cells": cells}


def _blank(head: list[str]) -> dict[str, Any]:
    return {"head": head, "cells": [[" "] * len(head) for _ in range(BLANK_ROWS)]}


def _words(value: Any) -> str | None:
    match value:
        case None | "":
            return None
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(str(each) for each in value) or None
        case Mapping():
            told = [f"{key}: {_words(each)}" for key, each in value.items() if each]
            return "; ".join(told) or None
        case _:
            return str(value)
