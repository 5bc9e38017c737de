"""Each model of a build once more, alone: CPU seconds, memory, and where they go.

In a night two models run beside each other, so that what one of them takes cannot be told. Here
the SQL that it ran is explained and analysed on the finished build, one after the other. What an
incremental model took of the day is not there any more: its time is that of a batch already known.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.nightly.child import cpu_seconds


@dataclass(frozen=True)
class Alone:
    """What one statement takes: seconds, bytes; its dearest operators: seconds and rows.

    The seconds of an operator are those of all threads, waiting for a busy machine included.
    """

    name: str
    kind: str
    wall: float
    cpu: float
    memory: int
    spilled: int
    operators: tuple[tuple[str, float, int], ...]


def measure(build: Path, manifest: Path, memory: str, threads: int, spill: Path) -> list[Alone]:
    """Return what every model that is a table, and every test, takes; the dearest first."""
    nodes = json.loads(manifest.read_text())["nodes"].values()
    found = [_alone(build, node, memory, threads, spill) for node in _asked(nodes)]
    return sorted(found, key=lambda each: -each.cpu)


def _asked(nodes: Any) -> Iterator[dict[str, Any]]:
    for node in nodes:
        is_table = node["resource_type"] == "model" and node["config"]["materialized"] != "view"
        if (is_table or node["resource_type"] == "test") and node.get("compiled_code"):
            yield node


def _alone(build: Path, node: dict[str, Any], memory: str, threads: int, spill: Path) -> Alone:
    shutil.rmtree(spill, ignore_errors=True)
    with duckdb.connect(str(build), read_only=True) as connection:
        connection.execute(f"set memory_limit = '{memory}'; set threads = {threads}")
        connection.execute(f"set temp_directory = '{spill}'; set preserve_insertion_order = false")
        connection.execute("set timezone = 'UTC'")
        connection.execute("pragma enable_profiling = 'json'; pragma profiling_mode = 'detailed'")
        before = cpu_seconds()
        told = connection.execute(
            f"explain (analyze, format json) {node['compiled_code']}"
        ).fetchall()[0][1]
        # What DuckDB calls CPU time is what its threads waited, too.
        cpu = cpu_seconds() - before
    profile = json.loads(told)
    return Alone(
        node["name"],
        node["resource_type"],
        float(profile["latency"]),
        cpu,
        int(profile.get("system_peak_buffer_memory", 0)),
        int(profile.get("system_peak_temp_dir_size", 0)),
        tuple(sorted(_operators(profile), key=lambda each: -each[1])[:5]),
    )


def _operators(profile: dict[str, Any]) -> Iterator[tuple[str, float, int]]:
    for child in profile.get("children", []):
        name = str(child.get("operator_name", child.get("operator_type", ""))).strip()
        extra = child.get("extra_info", {})
        what = extra.get("Table") or extra.get("Conditions") or extra.get("Groups")
        what = what or extra.get("Projections") or extra.get("Order By") or ""
        text = f"{name} {what if isinstance(what, str) else ', '.join(what)}"[:110]
        rows = int(child.get("operator_cardinality", 0))
        yield text, float(child.get("operator_timing", 0)), rows
        yield from _operators(child)
