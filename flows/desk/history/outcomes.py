"""What a comparison came to: of each attribute for how many customers, and what became of that.

Read from the JSON beside a comparison's page; of its customers only how many there are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VIEW = "marts.single_customer_view"


@dataclass(frozen=True)
class Moved:
    """An attribute that differs: customers in both builds, their share, and the finding."""

    customers: int
    share: float | None
    kind: str
    sentence: str


@dataclass(frozen=True)
class Outcome:
    """One comparison.

    Args:
        candidate: the build that was compared with live; its page is named by it.
        verdict: what the release might do by it.
        moved: attributes of the view that differ, or came, went or have another type.
        findings: everything that differs and is no attribute, in sentences.
    """

    candidate: str
    verdict: str
    moved: Mapping[str, Moved] = field(default_factory=dict)
    findings: tuple[str, ...] = ()


def read_outcome(folder: Path, candidate: str) -> Outcome | None:
    """Return what a comparison came to, or None where it is not there any more."""
    try:
        told = json.loads((folder / f"{candidate}.json").read_text())
        return _outcome(candidate, told)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _outcome(candidate: str, told: Mapping[str, Any]) -> Outcome:
    judged = told.get("judgement") or {}
    found = {str(each["name"]): each for each in judged.get("findings") or ()}
    view = next(each for each in told["comparison"]["relations"] if each["relation"] == VIEW)
    moved = {
        str(each["name"]): _moved(each["changed"], each["share"], found.get(each["name"]))
        for each in view.get("attributes") or ()
    }
    for name, words in _schema(view.get("columns") or {}).items():
        moved.setdefault(name, _moved(0, None, found.get(name), words))
    rest = tuple(str(each["sentence"]) for name, each in found.items() if name not in moved)
    return Outcome(candidate, str(told.get("verdict") or ""), moved, rest)


def _moved(
    customers: int, share: float | None, finding: Mapping[str, Any] | None, words: str = ""
) -> Moved:
    known = finding or {}
    sentence = str(known.get("sentence") or words)
    return Moved(int(customers), share, str(known.get("kind") or ""), sentence)


def _schema(columns: Mapping[str, Any]) -> dict[str, str]:
    said = {str(each["name"]): "It is new." for each in columns.get("added") or ()}
    said |= {str(each["name"]): "It is gone." for each in columns.get("removed") or ()}
    return said | {
        str(each["name"]): f"Its type was {each['before']} and is {each['after']}."
        for each in columns.get("retyped") or ()
    }
