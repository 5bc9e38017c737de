"""One night in a process of its own, with a clock put to each of its steps.

    python -m benchmarks.nightly.child DATE STEPS.json [--no-send]

It is `scv run DATE`: the functions that a night is made of are called through a clock, and nothing
else about them changes. What no clock is put to is the rest: imports, Prefect, the ledger.
"""

from __future__ import annotations

import functools
import json
import resource
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

# It makes a build of its own: what is within it is not told apart.
RECOUNT = "recount of a sample"
# Module, function, the name of the step; one within another is taken from that.
STEPS = (
    ("flows.tables", "receive", "intake"),
    ("flows.intake.receive", "_check", "checks of the intake"),
    ("flows.builds.build", "code_version", "code version"),
    ("flows.builds.fork", "fork", "fork"),
    ("flows.builds.pins", "pin", "pin"),
    ("flows.builds.dbt", "run", "dbt"),
    ("flows.builds.build", "_finish", "checkpoint"),
    ("flows.builds.fingerprints", "take", "fingerprints"),
    ("flows.builds.build", "_keep", "keep"),
    ("flows.builds.live", "publish", "publish"),
    ("flows.daily", "remove_old_builds", "retention"),
    ("flows.daily", "recount", RECOUNT),
    ("flows.daily", "ask_the_gate", "gate"),
    ("flows.daily", "dispatch", "dispatch"),
    ("flows.daily", "write_pages", "pages"),
)


class Clocks:
    """What each step took: the seconds of a step within another are taken from that one's."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self._open: list[list[float]] = []
        self._within: set[str] = set()

    def put_to(self, module: str, name: str, step: str) -> None:
        """Have a function called through a clock from now on."""
        room = import_module(module)
        setattr(room, name, self._timed(getattr(room, name), step))

    def _timed(self, function: Callable[..., Any], step: str) -> Callable[..., Any]:
        # Not wraps(): a task of Prefect is no plain function, and keeps its own ways.
        @functools.wraps(getattr(function, "fn", function))
        def timed(*arguments: Any, **named: Any) -> Any:
            if RECOUNT in self._within:
                return function(*arguments, **named)
            wall, cpu, started = time.monotonic(), cpu_seconds(), time.time()
            self._open.append([0.0, 0.0])
            self._within.add(step)
            made = None
            try:
                made = function(*arguments, **named)
                return made
            finally:
                self._within.discard(step)
                took = time.monotonic() - wall, cpu_seconds() - cpu
                within = self._open.pop()
                if self._open:
                    self._open[-1][0] += took[0]
                    self._open[-1][1] += took[1]
                own = {"wall": took[0] - within[0], "cpu": took[1] - within[1]}
                told = {"step": step, "table": _table(arguments), "nodes": _nodes(step, made)}
                self.told.append(told | own | {"at": started, "until": time.time()})

        return timed


def cpu_seconds() -> float:
    """Return the CPU seconds of this process, and of those that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _table(arguments: tuple[Any, ...]) -> str:
    for argument in arguments:
        contract = getattr(argument, "contract", None)
        if contract is not None:
            return str(contract.table)
    return ""


def _nodes(step: str, made: Any) -> list[dict[str, Any]]:
    """Return what dbt says of its nodes, before another call of it says something else."""
    if step != "dbt" or made is None:
        return []
    results = json.loads((Path(made) / "run_results.json").read_text())["results"]
    return [
        {key: each[key] for key in ("unique_id", "execution_time", "timing")} for each in results
    ]


def main() -> None:
    """Run the night that the command line names, and write what its steps took."""
    day, path, *more = sys.argv[1:]
    from flows import cli, prefect_settings

    prefect_settings.quiet()
    clocks = Clocks()
    for step in STEPS:
        clocks.put_to(*step)
    sys.argv = ["scv", "run", day, *more]
    try:
        cli.main()
    finally:
        Path(path).write_text(json.dumps(clocks.told))


if __name__ == "__main__":
    main()
