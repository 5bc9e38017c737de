"""What was measured, as a table that a person reads."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from statistics import median

from benchmarks.intake.case import Case

TOOLS = ("duckdb", "pyarrow", "great-expectations", "adbc-driver-postgresql", "python-calamine")
HEAD = (
    "case",
    "rows",
    "ours, CPU s",
    "bare, CPU s",
    "ratio",
    "target",
    "ours, wall s",
    "bare, wall s",
    "ratio of wall",
    "ours, peak MB",
    "bare, peak MB",
    "against",
)
Measured = Mapping[str, float]


@dataclass(frozen=True)
class Result:
    """The measurements of one case, in the order in which they were made; or why there are none."""

    case: Case
    rows: int
    ours: Sequence[Measured] = ()
    bare: Sequence[Measured] = ()
    failed: str = ""

    def cells(self) -> list[str]:
        """Return the cells of the case's row: the best seconds a million rows, then the median."""
        if self.failed:
            empty = [""] * (len(HEAD) - 3)
            return [self.case.name, f"{self.rows:,}", *empty, f"not measured: {self.failed}"]
        return [
            self.case.name,
            f"{self.rows:,}",
            self._seconds(self.ours, "cpu"),
            self._seconds(self.bare, "cpu"),
            self._ratio("cpu"),
            self._target(),
            self._seconds(self.ours, "wall"),
            self._seconds(self.bare, "wall"),
            self._ratio("wall"),
            self._peak(self.ours),
            self._peak(self.bare),
            self.case.against,
        ]

    def _seconds(self, side: Sequence[Measured], what: str) -> str:
        if not side:
            return ""
        million = [each[what] * 1_000_000 / self.rows for each in side]
        return f"{min(million):.2f} ({median(million):.2f})"

    def _ratio(self, what: str) -> str:
        if not self.bare:
            return ""
        ours, bare = ([each[what] for each in side] for side in (self.ours, self.bare))
        return f"{min(ours) / min(bare):.2f} ({median(ours) / median(bare):.2f})"

    def _target(self) -> str:
        if self.case.most is None or not self.bare:
            return ""
        ratio = min(each["cpu"] for each in self.ours) / min(each["cpu"] for each in self.bare)
        return f"≤ {self.case.most}: {'met' if ratio <= self.case.most else 'missed'}"

    def _peak(self, side: Sequence[Measured]) -> str:
        return f"{max(each['peak'] for each in side):,.0f}" if side else ""


def page(results: Sequence[Result], date: str, repeats: int) -> str:
    """Return the results as a page of Markdown."""
    tools = ", ".join(f"{tool} {version(tool)}" for tool in TOOLS)
    lines = [
        "# What the intake costs",
        "",
        f"Made by `make benchmark-intake` on {date}; Python {platform.python_version()}, "
        f"{tools}; {os.cpu_count()} cores, DuckDB with 2 threads and 1 GB.",
        "",
        f"Seconds are for a million rows: the best of {repeats}, and in brackets the median. The "
        "ratio of CPU seconds counts; wall seconds wander with what else the machine does. "
        "`+suite`: with the checks of Great Expectations, which the bare way does not make.",
        "",
        f"| {' | '.join(HEAD)} |",
        f"|{'---|' * len(HEAD)}",
        *(f"| {' | '.join(result.cells())} |" for result in results),
    ]
    return "\n".join(lines) + "\n"
