"""What was typed into the form, as the document of a request: nested, and nothing lost.

A field's place in the document is the name of its input: `new_table.columns.2.name`. What does not
parse stays the text that it is, so that it stands in the form again with its error beside it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from flows.desk.fields import Question, questions
from flows.desk.request import KINDS
from flows.web.sheets import NotASheet, rows_of

Branch = Mapping[str, Any]  # names to texts, or to branches again
KEY = "name"  # of a `named` table: the input with the name of a row
ODD = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
DEEPEST = 8


def tree_of(typed: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return inputs by their names as a tree; every leaf is the list of its texts."""
    tree: dict[str, Any] = {}
    for name, text in typed:
        *path, last = name.split(".")[:DEEPEST]
        branch: Any = tree
        for part in path:
            branch = branch.setdefault(part, {}) if isinstance(branch, dict) else None
        if isinstance(branch, dict) and isinstance(branch.setdefault(last, []), list):
            branch[last].append(clean(text))
    return tree


def document_of(tree: Branch, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was typed as a document.

    Args:
        tree: the inputs.
        before: the document as it stood: what the form does not ask for is taken from it.
    """
    asked = questions()
    known = {each.name for each in asked}
    kept = {key: value for key, value in before.items() if key not in known}
    found = _group(asked, tree)
    files = _files(tree.get("files"), before.get("files"))
    if files:
        found["files"] = files
    for kind in found.get("kinds", ()):
        # A kind that is ticked is there, be it empty: so each of its fields says what is missing.
        if kind in KINDS:
            found.setdefault(kind, {})
    return kept | {each.name: found[each.name] for each in asked if each.name in found}


def clean(text: str) -> str:
    """Return a text with the newlines of the house and without what no file of ours can hold."""
    return ODD.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _group(asked: Sequence[Question], branch: Any, in_row: bool = False) -> dict[str, Any]:
    branch = branch if isinstance(branch, Mapping) else {}
    found = {}
    for question in asked:
        value = _value(question, branch.get(question.name), in_row)
        if value not in (None, "", [], {}):
            found[question.name] = value
    return found


def _value(question: Question, given: Any, in_row: bool) -> Any:
    match question.widget:
        case "group":
            return _group(question.fields, given, in_row)
        case "rows":
            return _rows(question.fields, given)
        case "named":
            return _named(question.fields, given)
        case "files":
            return None
    texts = [each for each in given if each.strip()] if isinstance(given, list) else []
    if question.widget == "choices":
        return texts
    if not texts:
        return None
    value = _leaf(question.widget, texts[0])
    # What is preset and was left so says nothing; in a row nothing is preset.
    preset = question.widget in ("choice", "yes_no") and not in_row
    return None if preset and value == question.default else value


def _leaf(widget: str, text: str) -> Any:
    match widget:
        case "yes_no":
            return {"yes": True, "no": False}.get(text, text)
        case "whole" | "number":
            return number_of(text.strip())
        case "date":
            return _date(text.strip())
        case "clock" | "choice":
            return text.strip()
        case "list":
            return [each.strip() for each in _items(text) if each.strip()]
        case "sheet":
            try:
                return rows_of(text)
            except NotASheet:
                return text
        case _:
            return text


def number_of(text: str) -> int | float | str:
    """Return a number, or the text where that would show another one than was typed."""
    if re.fullmatch(r"-?(0|[1-9]\d{0,17})", text):
        return int(text)
    if not re.fullmatch(r"-?(0|[1-9]\d{0,17})\.\d{1,18}", text):
        return text
    value = float(text)
    return value if Decimal(repr(value)) == Decimal(text) else text


def _date(text: str) -> dt.date | str:
    try:
        value = dt.date.fromisoformat(text)
    except ValueError:
        return text
    return value if str(value) == text else text


def _items(text: str) -> list[str]:
    """One a line where there are lines, else with commas between."""
    return text.split("\n") if "\n" in text else text.split(",")


def _rows(asked: Sequence[Question], given: Any) -> list[dict[str, Any]]:
    found = (_group(asked, branch, in_row=True) for branch in _numbered(given))
    return [row for row in found if row]


def _named(asked: Sequence[Question], given: Any) -> Any:
    """Rows by their names; where a name is missing or there twice, the rows as they are."""
    rows = []
    for branch in _numbered(given):
        row = _group(asked, branch, in_row=True)
        name = next((each.strip() for each in branch.get(KEY, ()) if each.strip()), "")
        if row or name:
            rows.append((name, row))
    names = [name for name, _ in rows]
    if "" in names or len(set(names)) < len(names):
        return [{KEY: name, **row} for name, row in rows]
    return dict(rows)


def _numbered(given: Any) -> list[Mapping[str, Any]]:
    if not isinstance(given, Mapping):
        return []
    numbers = sorted((int(key), key) for key in given if re.fullmatch(r"\d{1,6}", key))
    return [given[key] for _, key in numbers if isinstance(given[key], Mapping)]


def _files(given: Any, before: Any) -> list[dict[str, Any]]:
    """The files that were there and stay: which, and what is said of each, the form tells."""
    there = before if isinstance(before, list) else []
    known = {str(e.get("sha256")): e for e in there if isinstance(e, Mapping)}
    found = []
    for branch in _numbered(given):
        file = known.pop(_text(branch, "sha256"), None)
        if file is None:
            continue
        told = {key: value for key, value in file.items() if key in ("name", "bytes", "sha256")}
        answer = {"yes": True, "no": False}.get(_text(branch, "personal_data"))
        told |= {} if answer is None else {"personal_data": answer}
        sample_of = _text(branch, "sample_of")
        found.append(told | ({"sample_of": sample_of} if sample_of else {}))
    return found


def _text(branch: Mapping[str, Any], name: str) -> str:
    texts = branch.get(name)
    return str(texts[0]).strip() if isinstance(texts, list) and texts else ""
