"""An empty request as YAML, with what each field asks: for who would rather type than click."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flows.desk.fields import Question, questions
from flows.desk.request import KINDS
from flows.desk.written import written

WIDE = ("rows", "named")


def blank(kinds: tuple[str, ...], told: Mapping[str, Any]) -> str:
    """Return a request with what is known filled in, and every other field empty.

    Args:
        kinds: what is asked for; other parts are left out.
        told: values of fields of the request itself.
    """
    asked = [each for each in questions() if each.name not in KINDS or each.name in kinds]
    return "".join(line for each in asked for line in _lines(each, told, 0))


def _lines(question: Question, told: Mapping[str, Any], depth: int) -> Iterator[str]:
    pad = "  " * depth
    if question.widget == "files":
        return
    yield f"{pad}# {_asks(question)}\n"
    if question.name in told:
        said = written({question.name: told[question.name]}).splitlines()
        yield from (f"{pad}{line}\n" for line in said)
        return
    yield f"{pad}{question.name}:{_empty(question)}\n"
    if question.widget == "group":
        for each in question.fields:
            yield from _lines(each, {}, depth + 1)
    elif question.widget in WIDE:
        names = ", ".join(f"{each.name}: " for each in question.fields)
        entry = f"- {{{names}}}" if question.widget == "rows" else f"NAME: {{{names}}}"
        yield f"{pad}#   {entry}\n"


def _asks(question: Question) -> str:
    must = "" if not question.required else " (required)"
    one_of = f" One of: {', '.join(each.value for each in question.choices)}."
    more = f": {question.help}." if question.help else "."
    return f"{question.title}{must}{more}{one_of if question.choices else ''}"


def _empty(question: Question) -> str:
    default = question.default
    is_said = default not in (None, "", (), {}) and isinstance(default, str | int | float | bool)
    return "" if not is_said else " " + written({"x": default}).partition(":")[2].strip()
