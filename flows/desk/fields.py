"""What a request is asked by: the model's fields as a person sees them, whatever the face.

The web form, the PDF, the pages and the template of a YAML go through the same tree, so that a
field is added to the model and nowhere else.
"""

from __future__ import annotations

import datetime as dt
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from flows.desk.asked import Clock
from flows.desk.request import ChangeRequest

# How a field is asked for:
#   line, long      a text of one line, or of many
#   number, whole   a number
#   date, clock     a day; a time of the client's clock
#   yes_no          a question
#   choice, choices one of a few, or some of them
#   list            texts, one a line
#   rows, named     a table of groups; `named` has the name of each as its first column
#   sheet           a table with columns of the client's own, pasted from a spreadsheet
#   group, files    fields that stand together; files that are sent along
HIDDEN = "none"


@dataclass(frozen=True)
class Choice:
    """A value of a field, and how a person reads it."""

    value: str
    label: str


@dataclass(frozen=True)
class Question:
    """One field of a request, or a group of them; what it is called is its place in the YAML."""

    name: str
    title: str
    help: str
    widget: str
    required: bool
    choices: tuple[Choice, ...] = ()
    suggestions: tuple[str, ...] = ()
    fields: tuple[Question, ...] = ()
    default: Any = None


def questions(model: type[BaseModel] = ChangeRequest) -> tuple[Question, ...]:
    """Return the fields of a model that a person fills in, in order, its examples last."""
    found = (_asked(name, field) for name, field in model.model_fields.items())
    shown = (each for each in found if each.widget != HIDDEN)
    return tuple(sorted(shown, key=lambda each: each.widget == "sheet"))


def _asked(name: str, field: FieldInfo) -> Question:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    kind = _bare(field.annotation)
    words = extra.get("words") or {}
    return Question(
        name,
        field.title or name.replace("_", " ").capitalize(),
        field.description or "",
        str(extra.get("widget") or _widget(kind, field)),
        field.is_required(),
        tuple(Choice(str(v), _label(v, words)) for v in _choices(kind)),
        tuple(str(each) for each in extra.get("suggest") or ()),  # type: ignore[union-attr]
        questions(inner) if (inner := _inner(kind)) else (),
        None if field.is_required() else field.get_default(call_default_factory=True),
    )


def _bare(annotation: Any) -> Any:
    """Return an annotation without what is said about it, and without `or nothing`."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return _bare(next(each for each in get_args(annotation) if each is not type(None)))
    return annotation


def _inner(kind: Any) -> type[BaseModel] | None:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    inside = [_bare(each) for each in get_args(kind) if each is not ...]
    models = [each for each in inside if isinstance(each, type) and issubclass(each, BaseModel)]
    return models[0] if models else None


def _choices(kind: Any) -> tuple[Any, ...]:
    if get_origin(kind) is Literal:
        return get_args(kind)
    return _choices(_bare(get_args(kind)[0])) if get_origin(kind) is tuple else ()


def _label(value: Any, words: Any) -> str:
    return str(words.get(value, str(value).replace("_", " ")))


def _widget(kind: Any, field: FieldInfo) -> str:
    origin = get_origin(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "group"
    if origin is Literal:
        return "choice"
    if origin is tuple:
        return "rows" if _inner(kind) else "choices" if _choices(kind) else "list"
    if origin in (dict, Mapping):
        return "named"
    if kind is str and _is_clock(field):
        return "clock"
    plain = {bool: "yes_no", int: "whole", float: "number", dt.date: "date"}
    return plain.get(kind, "line")


def _is_clock(field: FieldInfo) -> bool:
    told = get_args(Clock)[1:]
    return any(each in field.metadata for each in told)
