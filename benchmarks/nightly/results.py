"""What was measured, as a page that a person reads."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version

from benchmarks.nightly.child import RECOUNT
from benchmarks.nightly.measure import DBT, NODES, Night, Step

TOOLS = ("duckdb", "dbt-core", "dbt-duckdb", "great-expectations", "prefect")
# Wall seconds, gigabytes, by customers; from the plan of the project.
TARGETS = {2_000_000: (40, 8), 20_000_000: (120, 8)}
RATIO = 1.5
DEAREST = 25

INTRODUCTION = """\
A night is `scv run DATE`: from the client's files and its CRM to the campaign files, with the
checks of the intake, the tests of dbt, the copy of the base and the fingerprints. The client is
that of the demo, made at N customers with two years of history: its baskets are real ones, cut
into visits of at most three lines, and its customers buy as unequally as the real households do.
Of e-mail, texts and visits to the site it has the last sixty days. Its CRM holds only what changed
on the nights, and no channel tells what became of the hub's own messages.

The floor is SQL that a person wrote for one night of this client and for DuckDB alone
(`floor_night.sql`), run on the same files in the same run. It computes the sections of the view
anew for everybody, and a test holds it to the same values. It leaves out what makes a night safe:
manifests, hashes, checks, quarantine, late and corrected rows, tests, fingerprints, the copy of the
base; and, of what a night computes, predictions, migrations between stages and segments, the
distributions of the attributes, the hour to write at, streaks, when to buy again, and the rules
of the campaigns but for one audience. It is simpler in whose consent counts after a merge, how
small micro-segments fold, how points lapse, and which of two orders at one instant is the later.
Its state is made before, and is not timed; nor is the start of its process.

CPU seconds count; wall seconds wander with what else the machine does. Memory is the sum over all
processes of a night, looked at ten times a second; a page that two of them share counts twice.
*Sent after* is the wall time but for the recount of a sample, for which no campaign waits; CPU
seconds, memory and bytes are those of all of it. *Written* is what the kernel sent to the disk.
*Build to floor* is all between the intake and the gate, its tests and fingerprints included.
"""


def page(nights: Sequence[Night], date: str) -> str:
    """Return the nights as a page of Markdown; of each size the last one step by step."""
    last = list({night.customers: night for night in nights}.values())
    tools = ", ".join(f"{tool} {version(tool)}" for tool in TOOLS)
    parts = [
        "# What a night costs",
        f"Made by `make benchmark-nightly` on {date}; Python {platform.python_version()}, "
        f"{tools}; {os.cpu_count()} cores, DuckDB with 2 threads and 6 GB.",
        INTRODUCTION.strip(),
        "![Seconds of a night by step, and its growth](nights.svg)",
        _nights(nights),
        "## Where the time goes",
        "Models and tests run two at a time, and share the CPU seconds of that time equally.",
        _groups(last),
        "## The dearest steps",
        _dearest(last),
        "## The floor, step by step",
        _floor(last),
    ]
    return "\n\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _nights(nights: Sequence[Night]) -> str:
    head = [
        "customers",
        "night",
        "lines",
        "sent after, wall s",
        "CPU s",
        "peak GB",
        "written GB",
        "build GB",
    ]
    head += ["floor, wall s", "floor, CPU s", "build to floor, CPU", "target"]
    return _table(head, [_row(night) for night in nights])


def _row(night: Night) -> list[str]:
    build, floor = night.of("build"), night.of("floor")
    return [
        f"{night.customers:,}",
        night.day,
        f"{night.lines:,}",
        f"{_sent_after(night):.0f}",
        f"{night.cpu:.0f}",
        f"{night.peak:.1f}",
        f"{night.written:.2f}",
        f"{night.build_size:.2f}",
        f"{floor[0]:.0f}",
        f"{floor[1]:.0f}",
        f"{build[1] / floor[1]:.1f}, target {RATIO}",
        _target(night),
    ]


def _sent_after(night: Night) -> float:
    return night.wall - night.of("after")[0]


def _target(night: Night) -> str:
    if night.customers not in TARGETS:
        return ""
    wall, memory = TARGETS[night.customers]
    met = _sent_after(night) <= wall and night.peak <= memory
    return f"≤ {wall} s, ≤ {memory} GB: {'met' if met else 'missed'}"


ENDS = ("checkpoint", "keep", "publish", "retention")
GROUPS = (
    ("imports, Prefect, ledger", lambda s: s.kind == "start"),
    ("intake, with its checks", lambda s: s.kind == "intake"),
    ("fork, pin, code version", lambda s: s.name in ("fork", "pin", "code version")),
    (DBT, lambda s: s.name == DBT),
    ("models and seeds", lambda s: s.kind == "model"),
    ("tests", lambda s: s.kind == "test"),
    ("fingerprints", lambda s: s.name == "fingerprints"),
    ("recount of a sample", lambda s: s.name == RECOUNT),
    ("checkpoint, publish, retention", lambda s: s.name in ENDS),
    ("gate, dispatch, pages", lambda s: s.kind == "send"),
)


def groups(night: Night) -> dict[str, tuple[float, float]]:
    """Return the wall and CPU seconds of a night by what they were spent on."""
    running = next(step.wall for step in night.steps if step.name == NODES)
    nodes = night.of("model")[0] + night.of("test")[0]
    found = {}
    for name, is_of in GROUPS:
        mine = [step for step in night.steps if is_of(step)]
        # Two at a time: of the seconds that passed, each has its share.
        share = running / nodes if mine and mine[0].kind in ("model", "test") else 1.0
        found[name] = sum(s.wall for s in mine) * share, sum(s.cpu for s in mine)
    return found


def _groups(nights: Sequence[Night]) -> str:
    told = [groups(night) for night in nights]
    head = ["step", *(f"{night.customers:,}: wall / CPU s" for night in nights)]
    return _table(
        head,
        [
            [name, *(f"{each[name][0]:.1f} / {each[name][1]:.1f}" for each in told)]
            for name in told[0]
        ],
    )


def _dearest(nights: Sequence[Night]) -> str:
    found = []
    for night in nights:
        kinds = [s for s in night.steps if s.kind not in ("floor", "start")]
        kinds = [s for s in kinds if s.name not in (DBT, NODES)]
        found.append({f"{s.name} ({s.kind})": s for s in kinds})
    names = sorted(found[-1], key=lambda name: -found[-1][name].cpu)[:DEAREST]
    head = [
        "step",
        *(f"{night.customers:,}: wall / CPU s" for night in nights),
        "peak GB meanwhile",
    ]
    rows = [
        [name, *(_both(each.get(name)) for each in found), f"{found[-1][name].peak:.1f}"]
        for name in names
    ]
    return _table(head, rows)


def _floor(nights: Sequence[Night]) -> str:
    found = [{s.name: s for s in night.steps if s.kind == "floor"} for night in nights]
    head = ["step", *(f"{night.customers:,}: wall / CPU s" for night in nights)]
    rows = [[name, *(_both(each.get(name)) for each in found)] for name in found[-1]]
    return _table(head, rows)


def _both(step: Step | None) -> str:
    return f"{step.wall:.1f} / {step.cpu:.1f}" if step else ""
