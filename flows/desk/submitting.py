"""A request on its way: handed in, asked back about, answered, closed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.desk.checks import SAMPLES, check
from flows.desk.findings import Finding, is_sound
from flows.desk.known import Known
from flows.desk.request import KINDS
from flows.desk.store import Desk, Document
from flows.errors import RequestWrong

SHOWN = 8


class NotSound(RequestWrong):
    """A request is not handed in: something in it is wrong. `findings` says what, and where."""

    def __init__(self, document: Document, findings: list[Finding]) -> None:
        wrong = [each for each in findings if each.weight == "wrong"]
        told = "; ".join(f"{each.place}: {each.says}" for each in wrong[:SHOWN])
        more = f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        super().__init__(
            f"{document.id} is not handed in: {told}{more}. Mend it, then: "
            f"scv request submit {document.id}"
        )
        self.findings = findings


def submit(
    desk: Desk, request_id: str, who: str, known: Known, samples: Mapping[str, Path] = SAMPLES
) -> Document:
    """Hand a request in, whole and checked; what was typed for kinds that are unticked goes.

    Raises:
        NoSuchRequest: when there is none of that number.
        NotSound: when something in it is wrong.
        RequestWrong: when it was handed in before.
    """
    draft = desk.read(request_id)
    if draft.status not in ("draft", "questions"):
        raise RequestWrong(f"{request_id} is {draft.status}: it was handed in before.")
    asked = without_unasked(draft.content)
    findings = check(asked, known, samples)
    if not is_sound(findings):
        raise NotSound(draft, findings)
    kept = desk.save(request_id, asked, draft.version)
    return desk.say(kept.id, "submitted", who)


def ask_back(desk: Desk, request_id: str, who: str, question: str) -> Document:
    """Give a request back with a question; who asks for it can change it again.

    Raises:
        RequestWrong: when it does not wait for us.
    """
    _must_be(desk.read(request_id), "submitted")
    return desk.say(request_id, "questions", who, question)


def close(desk: Desk, request_id: str, who: str, why: str) -> Document:
    """Close a request without doing it.

    Raises:
        RequestWrong: when it is closed or accepted.
    """
    _must_be(desk.read(request_id), "draft", "submitted", "questions")
    return desk.say(request_id, "closed", who, why)


def without_unasked(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was typed without the parts of kinds that are not asked for."""
    asked = content.get("kinds") or ()
    return {key: value for key, value in content.items() if key not in KINDS or key in asked}


def _must_be(document: Document, *allowed: str) -> None:
    if document.status not in allowed:
        raise RequestWrong(
            f"{document.id} is {document.status}, and not {' or '.join(allowed)}. "
            f"What became of it: scv request show {document.id}"
        )
