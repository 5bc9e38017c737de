"""A command in a process of its own, watched with all its children: seconds, memory, bytes."""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
EVERY_SECONDS = 0.1
PAGE = os.sysconf("SC_PAGE_SIZE")
TICK = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """Why a measurement could not be made, in the last lines that it printed."""


@dataclass(frozen=True)
class Sample:
    """One look at the processes together: seconds since 1970, resident bytes, CPU seconds."""

    at: float
    resident: int
    cpu: float


@dataclass(frozen=True)
class Usage:
    """What a command took: seconds, the highest resident memory and what it wrote, in bytes.

    Memory is the sum over its processes; a page that two share counts twice. `written` is what
    went to the disk, by the kernel's count.
    """

    wall: float
    cpu: float
    peak: int
    written: int
    samples: tuple[Sample, ...] = field(repr=False)

    def peak_between(self, first: float, last: float) -> int:
        """Return the highest memory between two instants, 0 where nobody looked."""
        return max((s.resident for s in self.samples if first <= s.at <= last), default=0)

    def cpu_of(self, spans: Sequence[tuple[float, float]]) -> list[float]:
        """Return the CPU seconds of each span of time; spans that overlap share them equally."""
        found = [0.0] * len(spans)
        for before, after in pairwise(self.samples):
            middle = (before.at + after.at) / 2
            running = [n for n, (first, last) in enumerate(spans) if first <= middle <= last]
            for number in running:
                found[number] += max(0.0, after.cpu - before.cpu) / len(running)
        return found


def run(
    command: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path = PROJECT
) -> Usage:
    """Run a command in a folder, else the project's, until it ends; return what it took.

    Raises:
        Failed: when it ended with an error.
    """
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with log.open("w") as said:
        child = subprocess.Popen(
            command, cwd=folder, env=os.environ | dict(environment), stdout=said, stderr=said
        )
        watcher = _Watcher(child.pid)
        watcher.start()
        code = child.wait()
    wall, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    watcher.stop()
    if code:
        raise Failed(f"{' '.join(command)}: {log.read_text()[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak = max((sample.resident for sample in watcher.samples), default=0)
    return Usage(wall, cpu, peak, sum(watcher.written.values()), tuple(watcher.samples))


class _Watcher(threading.Thread):
    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self.root, self.ended = root, threading.Event()
        self.samples: list[Sample] = []
        self.written: dict[int, int] = {}

    def run(self) -> None:
        while not self.ended.wait(EVERY_SECONDS):
            alive = _family(self.root)
            resident, cpu = sum(map(_resident, alive)), sum(map(_cpu, alive))
            self.samples.append(Sample(time.time(), resident, cpu))
            self.written |= {pid: max(self.written.get(pid, 0), _written(pid)) for pid in alive}

    def stop(self) -> None:
        self.ended.set()
        self.join()


def _family(root: int) -> list[int]:
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            waiting += [int(child) for child in _read(task).split()]
    return found


def _resident(pid: int) -> int:
    told = _read(Path(f"/proc/{pid}/statm")).split()
    return int(told[1]) * PAGE if told else 0


def _cpu(pid: int) -> float:
    """Return the CPU seconds of a process, and of the children that it has waited for."""
    told = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return sum(int(each) for each in told[11:15]) / TICK


def _written(pid: int) -> int:
    lines = [line.split(": ") for line in _read(Path(f"/proc/{pid}/io")).splitlines()]
    return int(dict(lines).get("write_bytes", 0))


def _read(path: Path) -> str:
    # A process may end between two looks.
    try:
        return path.read_text()
    except OSError:
        return ""
