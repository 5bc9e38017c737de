"""One measurement in a process of its own: prints seconds and the highest memory as JSON.

python -m benchmarks.intake.child CASE prepare|ours|bare FOLDER ROWS
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import time
from importlib import import_module
from pathlib import Path

from benchmarks.intake.case import Case, Place

ROOMS = ("files", "databases", "api", "suites", "memory", "snapshot")


def cases() -> dict[str, Case]:
    """Return every case by its name, in the order in which they are measured."""
    rooms = [import_module(f"benchmarks.intake.{room}") for room in ROOMS]
    return {case.name: case for room in rooms for case in room.cases()}


def measure(case: Case, side: str, place: Place) -> dict[str, float]:
    """Do the work of one side; return its `cpu` and `wall` seconds and `peak`, in megabytes.

    Only the work is timed, not the imports before it; the memory is that of the whole process.
    """
    shutil.rmtree(place.folder / "run", ignore_errors=True)
    (place.folder / "run").mkdir(parents=True)
    way = case.ours if side == "ours" else case.bare
    assert way is not None
    work = way(place)
    cpu, wall = _cpu(), time.perf_counter()
    work()
    seconds = {"cpu": _cpu() - cpu, "wall": time.perf_counter() - wall}
    return seconds | {"peak": _peak()}


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak() -> float:
    # Of this process alone: what getrusage tells begins with the memory of the one that forked.
    status = Path("/proc/self/status")
    if status.exists():
        said = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return int(said["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure what the command line names."""
    name, side, folder, rows = sys.argv[1:]
    case, place = cases()[name], Place(Path(folder), int(rows))
    if side == "prepare":
        case.prepare(place)
        return
    print(json.dumps(measure(case, side, place)))


if __name__ == "__main__":
    main()
