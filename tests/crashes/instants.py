"""What the hook notes of a run: its instants in their order, and at which step each of them is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

# A step lasts until the ledger knows of the next one: the commit of that is its last instant.
MARK = re.compile(r"ledger commit (nights|deploys|deploy_steps): (.+)")
BEFORE = "before the first step"
AFTER = "after the last step"
ENDS = {("nights", "done"), ("deploys", "published")}
# What a row becomes without a step that begins with it.
STATES = ("running", "done", "stopped", "killed", "waiting", "published", "rolled back")


@dataclass(frozen=True)
class Instant:
    """One change of the disk or the ledger, before it is made."""

    role: str
    number: int
    label: str
    seen: int  # the how many-th of its label
    step: str
    edge: str  # first or last change of its step, or neither

    @property
    def at(self) -> str:
        """The words by which the hook is asked to kill here.

        Not the number: dbt's parse of the project, which a run may begin with, moves that by some.
        """
        return f"{self.role} {self.label} #{self.seen}"

    def __str__(self) -> str:
        """Say what is about to happen."""
        return f"{self.role} {self.number} {self.label}"


def read(notes: Iterable[str]) -> list[Instant]:
    """Return the instants of the lines of a run's notes."""
    found, step, edge, seen = list[Instant](), BEFORE, "first", Counter[str]()
    for line in notes:
        role, number, label = line.split(" ", 2)
        begun = _begun(label) if role == "main" else None
        here = "last" if begun else edge
        seen[f"{role} {label}"] += 1
        found.append(Instant(role, int(number), label, seen[f"{role} {label}"], step, here))
        step, edge = begun or step, "first" if begun else ""
    return found


def _begun(label: str) -> str | None:
    """Return the step that begins with a commit, where one does."""
    told = MARK.fullmatch(label)
    if told is None:
        return None
    if told.groups() in ENDS:
        return AFTER
    return None if told[2] in STATES else told[2]
