"""The examples beside this, one a kind: requests that are complete, to be spoilt by a test."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

EXAMPLES = Path(__file__).with_name("examples")
KINDS = ("new_table", "columns", "attribute", "activity", "purchases")
Content = dict[str, Any]


def asked(kind: str, **changes: Any) -> Content:
    """Return the request of a kind with a number, and with some fields otherwise.

    A change of a part is said as `attribute__formula="…"`.
    """
    content = {"id": "CR-0042", **deepcopy(_read(kind))}
    for name, value in changes.items():
        *parts, last = name.split("__")
        place = content
        for part in parts:
            place = place[part]
        place[last] = value
    return content


def file_of(kind: str) -> Path:
    """Return the file of the request of a kind."""
    return EXAMPLES / f"{kind}.yml"


@cache
def _read(kind: str) -> Content:
    return YAML(typ="safe", pure=True).load(file_of(kind).read_text())
