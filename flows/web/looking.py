"""What is wrong with what was typed: the desk's checks, and what only a form can get wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flows.desk.checks import check
from flows.desk.fields import Question, questions
from flows.desk.findings import Finding
from flows.desk.samples import samples_of
from flows.web.office import Office
from flows.web.progress import asked_of
from flows.web.sheets import NotASheet, rows_of
from flows.web.users import User

UNNUMBERED = "CR-0000"  # what nobody has saved yet
NAMES = "every row has a name, and no two have the same"


def findings_of(
    office: Office, user: User, content: Mapping[str, Any], *, thorough: bool
) -> list[Finding]:
    """Return what is wrong or doubtful in what was typed.

    Args:
        office: where it was typed.
        user: who sees it: other requests that they may not see are not told of.
        content: the document.
        thorough: True takes in examples and samples as well, which takes seconds.
    """
    asked, known = {"id": UNNUMBERED, **asked_of(content)}, office.knowledge.for_(user)
    if not thorough:
        return _in_words(asked, check(asked, known, thorough=False))
    samples = samples_of(office.instance.desk, content)
    with office.checking:
        return _in_words(asked, check(asked, known, samples))


def _in_words(content: Mapping[str, Any], findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings, those of a table that is none with what is in the way of it."""
    why = dict(_unreadable(questions(), content))
    told: list[Finding] = []
    for each in findings:
        finding = Finding(each.where, why[each.where]) if each.where in why else each
        if finding not in told:
            told.append(finding)
    return told


def _unreadable(
    among: Sequence[Question], content: Any, place: str = ""
) -> Iterator[tuple[str, str]]:
    content = content if isinstance(content, Mapping) else {}
    for each in among:
        value, where = content.get(each.name), f"{place}{each.name}"
        if each.widget == "group":
            yield from _unreadable(each.fields, value, f"{where}.")
        elif each.widget == "sheet" and isinstance(value, str):
            try:
                rows_of(value)
            except NotASheet as error:
                yield where, str(error)
        elif each.widget == "named" and isinstance(value, list):
            yield where, NAMES
