"""The comparison of two builds, timed beside the least that finding what changed can take."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.nightly.process import run
from benchmarks.release.pair import Pair, Size, make_after, make_before

CASES = {
    "a few attributes": "three attributes of one section changed for one customer in twenty",
    "a whole section": "every attribute of one section changed for every customer",
}
WORKS = ("fingerprints", "comparison", "floor")
GIGABYTE = 1e9


@dataclass(frozen=True)
class Measured:
    """One piece of work: seconds and gigabytes; `changed` are the attributes that were found."""

    customers: int
    columns: int
    case: str
    work: str
    wall: float
    cpu: float
    peak: float
    changed: int
    build_size: float


def measure(folder: Path, size: Size, say: Callable[[str], None]) -> Iterator[Measured]:
    """Make two builds in a folder, compare them, and yield what each work took."""
    pair = Pair(folder)
    say(f"{size.customers:,} customers: making the builds")
    make_before(pair, size)
    for case in CASES:
        make_after(pair, size, everything=case == "a whole section")
        for work in WORKS:
            yield _timed(pair, size, case, work, say)


def _timed(pair: Pair, size: Size, case: str, work: str, say: Callable[[str], None]) -> Measured:
    log = pair.folder / "said.txt"
    asked = [work, str(pair.folder), str(size.customers), str(size.columns)]
    used = run([sys.executable, "-m", "benchmarks.release.child", *asked], {}, log)
    say(f"  {case}, {work}: {used.wall:.1f} s, {used.cpu:.1f} CPU s")
    return Measured(
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


def as_json(found: list[Measured]) -> str:
    """Return measurements as text that `from_json` reads."""
    return json.dumps([asdict(each) for each in found], indent=1) + "\n"


def from_json(text: str) -> list[Measured]:
    """Return the measurements that a text of `as_json` holds."""
    return [Measured(**told) for told in json.loads(text)]
