"""What was measured, as a page that a person reads."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version

from benchmarks.release import tables
from benchmarks.release.child import MEMORY, THREADS
from benchmarks.release.comparison import CASES
from benchmarks.release.moves import COMMANDS, TIMES
from benchmarks.release.records import Results

INTRODUCTION = """\
CPU seconds count, of a process with all its children; wall seconds wander with what else the
machine does, and other work ran beside these. Memory is that of all processes of a measurement,
looked at ten times a second.
"""
PAIR = """\
Moves and comparisons are of two builds of one client, in sections as the project has them, with a
view over them; the second is a copy of the first in which one section was made anew. The values
are drawn by hashes, so nothing about them is kind to compression or to caches.
"""
MOVES = """\
`live.publish` and `live.roll_back` by turns, {times} times each, on an instance with a ledger,
while somebody reads live; then `scv rollback` {commands} times as it is typed, the start of its
process included. Wall seconds, for a move is mostly waiting for the disk; median and worst.
"""
READERS = """\
The reader is another process that opens live again and again and asks twice each time: for the
build's name and a hash of all of the section that differs. Live is moved when its first query has
begun. Every answer is held against the two that the builds give by themselves: a connection from
before a move goes on with the old build, one from after it reads the new one, and what mixes the
two is wrong.
"""
REDEPLOY = """\
The client is that of `make benchmark-nightly`, with two years of history and a night. The release
is a commit in which one attribute is computed otherwise for one customer in fifty, and its
candidate is made in its own checkout, as a deploy does: of a copy of what is live, in which dbt
makes anew what was changed and all that hangs on it. *Anew* is the candidate of the first of these
releases with nothing kept, in the same run. All data tests run in either case, unit tests of what
is made anew. Models and tests run two at a time and share the CPU seconds of that time equally.
What comes before and after the candidate, replay and comparison, is not in it. The target is held
against the CPU seconds of the models, and against those of the whole candidate. dbt's start and a
unit test cost the same at any size: of a small client they are much of a candidate.
"""
COMPARISON = """\
{cases}

*Comparison* is all of `flows.comparison.compare`, the start of its process included: it is given
the fingerprints that the ledger keeps of both builds, reads what can differ, and tells for each
attribute how many changed, with examples. *Fingerprints* is what taking them of both costs where
nobody kept them; every build takes its own at its end. The floor is hand-written SQL that joins
every section of both builds by customer and a hash of the row, and counts who differs: it knows of
no fingerprint, tells no attribute and no example.
"""


def page(found: Results) -> str:
    """Return the measurements as a page of Markdown."""
    cases = "\n".join(f"- {name}: {words};" for name, words in CASES.items())
    parts = [
        "# What a release costs",
        f"Made by `make benchmark-release`; Python {platform.python_version()}, duckdb "
        f"{version('duckdb')}, dbt-core {version('dbt-core')}; {os.cpu_count()} cores, DuckDB with "
        f"{THREADS} threads and {MEMORY}.",
        INTRODUCTION,
    ]
    if found.moves or found.comparisons:
        parts.append(PAIR)
    if found.moves:
        parts += ["## Publish and roll back", MOVES.format(times=TIMES, commands=COMMANDS)]
        parts += [tables.moves(found.moves), READERS, tables.readers(found.moves)]
    if found.redeploys:
        parts += ["## What a release of one attribute makes anew", REDEPLOY]
        parts += [
            tables.shares(found.redeploys),
            "Where the CPU seconds go; of models and tests also how many, and dbt's seconds:",
        ]
        parts += [tables.parts(found.redeploys), tables.dearest(found.redeploys)]
    if found.comparisons:
        parts += ["## The comparison", COMPARISON.format(cases=f"{cases[:-1]}.")]
        parts.append(tables.comparisons(found.comparisons))
    return "\n\n".join(part.strip() for part in parts) + "\n"
