"""What was measured, as a page that a person reads."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version

from benchmarks.release.child import MEMORY, THREADS
from benchmarks.release.measure import CASES, Measured

# Wall seconds of a comparison, by customers; from the plan of the project.
TARGETS = {20_000_000: 60}

INTRODUCTION = """\
Two builds of one client, in sections as the project has them, with a view over them; the second
is a copy of the first in which one section was made anew. The values are drawn by hashes, so
nothing about them is kind to compression or to caches.

{cases}

*Comparison* is all of `flows.comparison.compare`, the start of its process included: it is given
the fingerprints that the ledger keeps of both builds, reads what can differ, and tells for each
attribute how many changed, with examples. *Fingerprints* is what taking them of both costs where
nobody kept them; every build takes its own at its end. The floor is hand-written SQL that joins
every section of both builds by customer and a hash of the row, and counts who differs: it knows of
no fingerprint, tells no attribute and no example. CPU seconds count; wall seconds wander with what
else the machine does. Memory is that of the whole process.
"""


def page(found: Sequence[Measured], date: str) -> str:
    """Return the measurements as a page of Markdown."""
    cases = "\n".join(f"- {name}: {words};" for name, words in CASES.items())
    parts = [
        "# What a release costs: the comparison",
        f"Made by `make benchmark-release` on {date}; Python {platform.python_version()}, "
        f"duckdb {version('duckdb')}; {os.cpu_count()} cores, DuckDB with {THREADS} threads and "
        f"{MEMORY}.",
        INTRODUCTION.format(cases=f"{cases[:-1]}.").strip(),
        _table(found),
    ]
    return "\n\n".join(parts) + "\n"


def _table(found: Sequence[Measured]) -> str:
    head = ["customers", "attributes", "build GB", "what changed", "comparison, wall / CPU s"]
    head += ["peak GB", "fingerprints of both", "floor, wall / CPU s", "to floor, CPU", "target"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    cases: dict[tuple[int, int, str], dict[str, Measured]] = {}
    for each in found:
        cases.setdefault((each.customers, each.columns, each.case), {})[each.work] = each
    for (customers, columns, case), works in cases.items():
        mine, prints, floor = (works[name] for name in ("comparison", "fingerprints", "floor"))
        row = [
            f"{customers:,}",
            str(columns),
            f"{mine.build_size:.1f}",
            f"{case}: {mine.changed} told",
            f"{mine.wall:.1f} / {mine.cpu:.1f}",
            f"{mine.peak:.1f}",
            f"{prints.wall:.1f} / {prints.cpu:.1f}",
            f"{floor.wall:.1f} / {floor.cpu:.1f}",
            f"{mine.cpu / floor.cpu:.2f}",
            _target(mine),
        ]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def _target(found: Measured) -> str:
    if found.customers not in TARGETS:
        return ""
    most = TARGETS[found.customers]
    return f"≤ {most} s: {'met' if found.wall <= most else 'missed'}"
