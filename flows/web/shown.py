"""A document as the form shows it: every field with its text, its rows, and what is wrong there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flows.contracts.contract import TIME
from flows.desk.fields import Choice, Question, questions
from flows.web.sheets import table_of, text_of
from flows.web.typed import KEY

BLANK_ROWS = 1  # below the rows that are there
FEW = 5  # choices that are shown beside each other
KEY_QUESTION = Question(KEY, "Name", "", "line", True)


@dataclass(frozen=True)
class Row:
    """One row of a table of groups."""

    name: str
    where: str
    number: int
    fields: tuple[Shown, ...]
    is_blank: bool

    @property
    def by_name(self) -> dict[str, Shown]:
        """Its fields by what they are called in the document."""
        return {each.question.name: each for each in self.fields}


@dataclass(frozen=True)
class Shown:
    """One field with what stands in it.

    Args:
        name: of its input, such as `expects.attributes.0.why`.
        where: its place in a finding, such as `expects.attributes.loyalty_points.why`.
        text: what is shown; of `choices` the values that are ticked are in `chosen`.
        is_typed: False when `text` is only what is preset.
        content: the value in the document.
    """

    question: Question
    name: str
    where: str
    text: str = ""
    chosen: tuple[str, ...] = ()
    is_typed: bool = False
    in_row: bool = False
    fields: tuple[Shown, ...] = ()
    rows: tuple[Row, ...] = ()
    content: Any = None

    @property
    def id(self) -> str:
        """The id of its input, or of what stands around its inputs."""
        return id_of(self.name)

    @property
    def widget(self) -> str:
        """How it is asked for, a date or a time that is none as a text."""
        kind = self.question.widget
        if kind == "yes_no" and self.in_row:
            return "select"
        if kind == "choice":
            return "select" if self.in_row or len(self.question.choices) > FEW else "radios"
        return kind

    @property
    def table(self) -> list[list[str]]:
        """The lines of a sheet, its names first; nothing where it is none."""
        rows = self.content if self.widget == "sheet" and isinstance(self.content, list) else []
        return table_of([row for row in rows if isinstance(row, Mapping)]) if rows else []

    @property
    def input_type(self) -> str:
        """The type of its input; a day or a time that is none stays the text that it is."""
        kind = self.question.widget
        if kind == "date":
            return "date" if not self.text or not isinstance(self.content, str) else "text"
        if kind == "clock":
            return "time" if not self.text or re.match(TIME, self.text) else "text"
        return "email" if self.name.endswith("_email") else "text"

    @property
    def options(self) -> tuple[Choice, ...]:
        """What it may be, and what it is when that is none of these."""
        is_question = self.question.widget == "yes_no"
        known = YES_NO if is_question else self.question.choices
        odd = self.text and self.text not in [each.value for each in known]
        return (*known, Choice(self.text, self.text)) if odd else known

    @property
    def if_empty(self) -> str:
        """What an empty field counts for, in words; nothing where it is just empty."""
        default = self.question.default
        if isinstance(default, bool):
            return "yes" if default else "no"
        if not isinstance(default, str | int | float) or default == "":
            return ""
        labels = {each.value: each.label for each in self.question.choices}
        text = f"{default:g}" if isinstance(default, float) else str(default)
        return labels.get(text, text)


YES_NO = (Choice("yes", "yes"), Choice("no", "no"))


def id_of(name: str) -> str:
    """Return the id of a field in the page."""
    return "q-" + name.replace(".", "-")


def shown(content: Mapping[str, Any], blank: Mapping[str, int]) -> tuple[Shown, ...]:
    """Return every field of a request with what stands in it.

    Args:
        content: the document, whatever was typed.
        blank: how many empty rows are offered, by the names of tables where it is not one.
    """
    return tuple(_shown(each, content, "", "", blank) for each in questions())


def _shown(
    question: Question,
    around: Any,
    name: str,
    where: str,
    blank: Mapping[str, int],
    in_row: bool = False,
) -> Shown:
    name, where = _below(name, question.name), _below(where, question.name)
    content = around.get(question.name) if isinstance(around, Mapping) else None
    base = Shown(question, name, where, in_row=in_row, content=content)
    match question.widget:
        case "group":
            fields = tuple(_shown(e, content, name, where, blank, in_row) for e in question.fields)
            return _with(base, fields=fields)
        case "rows" | "named" | "files":
            return _with(base, rows=tuple(_rows(question, content, name, where, blank)))
        case "choices":
            chosen = tuple(str(e) for e in content) if isinstance(content, list | tuple) else ()
            return _with(base, chosen=chosen, is_typed=bool(chosen))
    text = _text(question.widget, content)
    preset = question.default is not None and question.widget in ("choice", "yes_no") and not in_row
    if content is None and preset:
        text = _text(question.widget, question.default)
    return _with(base, text=text, is_typed=content is not None)


def _with(base: Shown, **values: Any) -> Shown:
    return Shown(**{**base.__dict__, **values})


def _rows(
    question: Question, content: Any, name: str, where: str, blank: Mapping[str, int]
) -> Iterator[Row]:
    named = question.widget == "named"
    asked = (KEY_QUESTION, *question.fields) if named else question.fields
    there = _in_rows(content)
    if question.widget != "files":
        there += [(None, {})] * blank.get(name, BLANK_ROWS)
    for number, (key, row) in enumerate(there):
        place = _below(where, str(number) if key is None else key)
        at = _below(name, str(number))
        fields = tuple(_shown(each, row, at, place, blank, in_row=True) for each in asked)
        yield Row(at, place, number, fields, not row)


def _in_rows(content: Any) -> list[tuple[str | None, Mapping[str, Any]]]:
    if isinstance(content, Mapping):
        return [(str(key), {KEY: key, **_mapping(row)}) for key, row in content.items()]
    rows = content if isinstance(content, list | tuple) else ()
    return [(None, _mapping(row)) for row in rows]


def _mapping(row: Any) -> Mapping[str, Any]:
    return row if isinstance(row, Mapping) else {}


def _text(widget: str, content: Any) -> str:
    match content:
        case None:
            return ""
        case bool():
            return "yes" if content else "no"
        case list() | tuple() if widget == "sheet" and content:
            rows = [row for row in content if isinstance(row, Mapping)]
            return text_of(rows) if rows else ""
        case list() | tuple():
            lines = [str(each) for each in content]
            # A single text with a comma is told from two by the line's end.
            return "\n".join(lines) + ("\n" if len(lines) == 1 and "," in lines[0] else "")
        case _:
            return str(content)


def _below(path: str, part: str) -> str:
    return f"{path}.{part}" if path else part
