"""YAML as a person would lay it out: long texts folded, short rows and lists on one line."""

from __future__ import annotations

import datetime as dt
import io
import textwrap
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import (
    DoubleQuotedScalarString,
    FoldedScalarString,
    LiteralScalarString,
    ScalarString,
)

WIDTH = 88
FLAT = "kwargs"  # the one mapping that stands on the line of its key, as in every contract


def written(content: Mapping[str, Any], sequence_offset: int = 2) -> str:
    """Return a document as YAML; it reads again as what it was, whatever somebody typed."""
    text = _dumped(_readable(content), sequence_offset)
    # A few texts come out otherwise than they went in: ": é" on one line, a U+2028 on many.
    return text if _says(text, content) else _dumped(_quoted(_plain(content)), sequence_offset)


def _says(text: str, content: Mapping[str, Any]) -> bool:
    try:
        return bool(YAML(typ="safe", pure=True).load(text) == _plain(content))
    except YAMLError:
        return False


def _plain(value: Any) -> Any:
    match value:
        case str():
            return str(value).replace("\r\n", "\n")
        case Mapping():
            return {key: _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return value


def _quoted(value: Any) -> Any:
    match value:
        case str():
            return DoubleQuotedScalarString(value)
        case Mapping():
            return {_quoted(key): _quoted(each) for key, each in value.items()}
        case list() | tuple():
            return [_quoted(each) for each in value]
        case _:
            return value


def _dumped(content: Any, sequence_offset: int) -> str:
    yaml, text = YAML(), io.StringIO()
    yaml.width, yaml.default_flow_style = 4096, False
    yaml.indent(mapping=2, sequence=2 + sequence_offset, offset=sequence_offset)
    yaml.representer.add_representer(type(None), _null)
    yaml.dump(content, text)
    return text.getvalue()


def _null(representer: Any, _: None) -> Any:
    return representer.represent_scalar("tag:yaml.org,2002:null", "null")


def _readable(value: Any) -> Any:
    match value:
        case ScalarString():
            return value
        case str():
            return _text(value)
        case Mapping():
            return {
                key: _flat(each) if key == FLAT else _readable(each) for key, each in value.items()
            }
        case list() | tuple():
            return _list(list(value))
        case _:
            return value


def _text(value: str) -> Any:
    if "\n" in value:
        return LiteralScalarString(value.replace("\r\n", "\n"))
    if len(value) <= WIDTH or value != " ".join(value.split()):
        return value
    folded = FoldedScalarString(value)
    places, end = [], -1
    for line in textwrap.wrap(value, WIDTH, break_long_words=False, break_on_hyphens=False):
        end += len(line) + 1
        places.append(end)
    folded.fold_pos = places[:-1]
    return folded


def _list(values: list[Any]) -> Any:
    if all(map(_is_plain, values)):
        return _flat(values)
    return [_flat(each) if isinstance(each, Mapping) else _readable(each) for each in values]


def _flat(value: Any) -> Any:
    """Return a row or a list as it stands on one line, if it can."""
    if not _fits(value):
        return _readable(value) if isinstance(value, Mapping) else list(value)
    row: CommentedMap | CommentedSeq
    if isinstance(value, Mapping):
        row = CommentedMap(
            {key: _flat(v) if isinstance(v, list) else v for key, v in value.items()}
        )
    else:
        row = CommentedSeq(value)
    row.fa.set_flow_style()
    return row


def _fits(value: Any) -> bool:
    inside = list(value.values()) if isinstance(value, Mapping) else list(value)
    plain = all(_is_plain(each) or (isinstance(each, list) and _fits(each)) for each in inside)
    return plain and len(str(value)) < WIDTH


def _is_plain(value: Any) -> bool:
    is_scalar = value is None or isinstance(value, str | int | float | dt.date)
    return is_scalar and "\n" not in str(value)
