"""The comparison of two builds, timed beside the least that finding what changed can take."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.nightly.process import run
from benchmarks.release.pair import Pair, Size, make_after

CASES = {
    "a few attributes": "three attributes of one section changed for one customer in twenty",
    "a whole section": "every attribute of one section changed for every customer",
}
WORKS = ("fingerprints", "comparison", "floor")
GIGABYTE = 1e9
Say = Callable[[str], None]


@dataclass(frozen=True)
class Compared:
    """One piece of work: seconds and gigabytes; `changed` are the attributes that were found."""

    date: str
    customers: int
    columns: int
    case: str
    work: str
    wall: float
    cpu: float
    peak: float
    changed: int
    build_size: float


def measure(pair: Pair, size: Size, date: str, say: Say) -> Iterator[Compared]:
    """Compare two builds, of which the first is made, and yield what each work took."""
    for case in CASES:
        make_after(pair, size, everything=case == "a whole section")
        for work in WORKS:
            yield _timed(pair, size, case, work, date, say)


def _timed(pair: Pair, size: Size, case: str, work: str, date: str, say: Say) -> Compared:
    log = pair.folder / "said.txt"
    asked = [work, str(pair.folder), str(size.customers), str(size.columns)]
    used = run([sys.executable, "-m", "benchmarks.release.child", *asked], {}, log)
    say(f"  {case}, {work}: {used.wall:.1f} s, {used.cpu:.1f} CPU s")
    return Compared(
        date=date,
        customers=size.customers,
        columns=size.columns,
        case=case,
        work=work,
        wall=round(used.wall, 2),
        cpu=round(used.cpu, 2),
        peak=round(used.peak / GIGABYTE, 2),
        changed=len(json.loads(log.read_text())) if work == "comparison" else 0,
        build_size=round(pair.before.stat().st_size / GIGABYTE, 2),
    )
