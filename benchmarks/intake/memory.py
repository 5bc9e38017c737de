"""What memory the whole intake of a CSV takes, suite included, as its rows grow."""

from __future__ import annotations

from functools import partial

from benchmarks.intake import files
from benchmarks.intake.case import Case


def cases() -> list[Case]:
    """Return the cases: as many rows as asked for, five times, and ten times as many."""
    ours, prepare = partial(files.ours, "csv", True), partial(files.prepare, "csv")
    return [Case(f"memory-{times}", ours, None, "nothing", prepare, times) for times in (1, 5, 10)]
