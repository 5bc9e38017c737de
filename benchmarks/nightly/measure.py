"""Measures one size of the client: the first build, then night by night ours and the floor."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.nightly.child import RECOUNT
from benchmarks.nightly.generate import generate
from benchmarks.nightly.place import Place
from benchmarks.nightly.process import Usage, run
from benchmarks.nightly.size import HISTORY_END, Size

GIB = 2**30
Say = Callable[[str], None]


@dataclass(frozen=True)
class Step:
    """One step of a night: wall and CPU seconds, the highest memory meanwhile in GiB.

    `kind` is start, intake, build, send, after (what nobody waits for); model or test, which are
    parts of a build; or floor.
    Models and tests run two at a time: their wall seconds overlap, and they share the CPU equally.
    """

    name: str
    kind: str
    wall: float
    cpu: float
    peak: float


@dataclass(frozen=True)
class Night:
    """What one night took, whole and by step; the floor's steps are those of its own process.

    Memory, what was written and the size of the build are in GiB; `lines` are those of the sales.
    """

    customers: int
    day: str
    wall: float
    cpu: float
    peak: float
    written: float
    build_size: float
    lines: int
    steps: tuple[Step, ...]
    floor_peak: float
    floor_written: float

    def of(self, kind: str) -> tuple[float, float]:
        """Return the wall and CPU seconds of the steps of a kind together."""
        mine = [step for step in self.steps if step.kind == kind]
        return sum(step.wall for step in mine), sum(step.cpu for step in mine)


def prepare(place: Place, size: Size, days: list[dt.date], say: Say) -> None:
    """Make the client and load its history, unless a place has them already."""
    if place.instance.live.exists():
        say(f"{place.folder} has its history: kept")
        return
    rows = generate(place.instance, size, days, place.spill)
    say(f"{size.customers:,} customers are made: {sum(rows.values()):,} rows of history")
    usage = _night(place, HISTORY_END, "--no-send")[0]
    say(f"the history is built in {usage.wall:.0f} s, {usage.cpu:.0f} CPU s")


def measure(place: Place, size: Size, days: list[dt.date], say: Say) -> Iterator[Night]:
    """Run each night, ours and the floor, and give what it took."""
    prepare(place, size, days, say)
    if not place.floor.exists():
        _floor(place, "state", HISTORY_END)
    for day in days:
        usage, steps = _night(place, day)
        floor, floor_steps = _floor(place, "night", day)
        lines = _lines(place, day)
        night = Night(
            size.customers,
            str(day),
            usage.wall,
            usage.cpu,
            usage.peak / GIB,
            usage.written / GIB,
            _build_of(place, day).stat().st_size / GIB,
            lines,
            (*steps, *floor_steps),
            floor.peak / GIB,
            floor.written / GIB,
        )
        say(
            f"{day}: {usage.wall:.0f} s, {usage.cpu:.0f} CPU s, {usage.peak / GIB:.1f} GB; "
            "the floor {:.0f} s, {:.0f} CPU s".format(*night.of("floor"))
        )
        yield night


def _night(place: Place, day: dt.date, *more: str) -> tuple[Usage, list[Step]]:
    told = place.folder / "steps.json"
    command = [sys.executable, "-m", "benchmarks.nightly.child", str(day), str(told), *more]
    usage = run(command, place.environment, place.folder / f"night-{day}.log")
    clocked = json.loads(told.read_text())
    dbt = next(each for each in clocked if each["step"] == "dbt")
    nodes = _nodes(dbt["nodes"], usage)
    cpu = sum(node.cpu for node in nodes)
    spans = [span_of(node) for node in dbt["nodes"]]
    running = max(last for _, last in spans) - min(first for first, _ in spans if first)
    peak = usage.peak_between(dbt["at"], dbt["until"]) / GIB
    rest = usage.wall - sum(each["wall"] for each in clocked)
    rest_cpu = usage.cpu - sum(each["cpu"] for each in clocked)
    return usage, [
        *(_clocked(each, usage) for each in clocked if each["step"] != "dbt"),
        *nodes,
        Step(NODES, "build", running, cpu, peak),
        Step(DBT, "build", dbt["wall"] - running, dbt["cpu"] - cpu, 0.0),
        Step("imports, Prefect, ledger", "start", rest, rest_cpu, 0.0),
    ]


NODES, DBT = "dbt: models and tests, two at a time", "dbt: start, parse, end"
KINDS = {
    RECOUNT: "after",
    "intake": "intake",
    "checks of the intake": "intake",
    "gate": "send",
    "dispatch": "send",
    "pages": "send",
}


def _clocked(told: Mapping[str, Any], usage: Usage) -> Step:
    name = f"{told['step']}: {told['table']}" if told["table"] else str(told["step"])
    peak = usage.peak_between(told["at"], told["until"]) / GIB
    return Step(name, KINDS.get(told["step"], "build"), told["wall"], told["cpu"], peak)


def _nodes(results: list[dict[str, Any]], usage: Usage) -> list[Step]:
    spans = [span_of(result) for result in results]
    found = []
    for result, span, cpu in zip(results, spans, usage.cpu_of(spans), strict=True):
        kind, _, name = result["unique_id"].split(".")[:3]
        step = "test" if kind == "test" else "model"
        peak = usage.peak_between(*span) / GIB
        found.append(Step(name, step, result["execution_time"], cpu, peak))
    return found


def span_of(result: Mapping[str, Any]) -> tuple[float, float]:
    """Return when a node ran, in seconds since 1970."""
    ends = [timing[end] for timing in result["timing"] for end in ("started_at", "completed_at")]
    moments = [dt.datetime.fromisoformat(end).timestamp() for end in ends]
    return min(moments, default=0.0), max(moments, default=0.0)


def _floor(place: Place, what: str, day: dt.date) -> tuple[Usage, list[Step]]:
    told = place.folder / "floor.json"
    command = [sys.executable, "-m", "benchmarks.nightly.floor", what, str(place.folder)]
    usage = run([*command, str(day), str(told)], {}, place.folder / f"floor-{day}.log")
    steps = json.loads(told.read_text()) if what == "night" else {}
    return usage, [Step(name, "floor", wall, cpu, 0.0) for name, (wall, cpu) in steps.items()]


def _build_of(place: Place, day: dt.date) -> Path:
    return max(place.instance.builds.glob(f"{day}-*.duckdb"))


def _lines(place: Place, day: dt.date) -> int:
    manifest = json.loads((place.instance.deliveries / str(day) / "manifest.json").read_text())
    return next(int(each["rows"]) for each in manifest["tables"] if each["table"] == "transactions")


def remove(place: Place) -> None:
    """Remove everything of a place."""
    shutil.rmtree(place.folder, ignore_errors=True)


def as_json(nights: list[Night]) -> str:
    """Return the nights as text that `from_json` reads."""
    return json.dumps([asdict(night) for night in nights], indent=1) + "\n"


def from_json(text: str) -> list[Night]:
    """Return the nights that a text of `as_json` holds."""
    found = []
    for told in json.loads(text):
        steps = tuple(Step(**step) for step in told.pop("steps"))
        found.append(Night(**told, steps=steps))
    return found
