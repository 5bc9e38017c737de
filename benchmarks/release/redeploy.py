"""What a candidate costs that has one attribute computed otherwise: in part, and all anew."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.nightly import measure as nightly
from benchmarks.nightly.place import Place
from benchmarks.nightly.process import Failed, Usage, run
from benchmarks.nightly.size import Size, nights
from benchmarks.release.checkout import Checkout, Edit
from benchmarks.release.comparison import GIGABYTE, Say
from flows.builds import live
from flows.ledger import Ledger
from flows.releases.worktrees import Release

(NIGHT,) = nights(1)
ANEW = "everything anew"
FEW = "customer_id % 50 = 7"
EDITS = {
    "cases_90d, near the view": Edit(
        "models/marts/customer_service.sql",
        "cast(coalesce(counted.cases_90d, desk.nothing) as integer) as cases_90d",
        "cast(coalesce(counted.cases_90d, desk.nothing)\n"
        f"            + case when households.{FEW} then 1 else 0 end as integer) as cases_90d",
    ),
    "consent_capture_source, deep down": Edit(
        "models/intermediate/int_consents_latest.sql",
        "        -- consent\n        is_opt_in,\n        capture_source,\n\n        -- times",
        "        -- consent\n        is_opt_in,\n"
        f"        case when {FEW} then 'unknown' else capture_source end as capture_source,\n\n"
        "        -- times",
    ),
}
# How dbt names what it runs, and the page.
KINDS = {"model": "models", "seed": "models", "unit_test": "unit tests", "test": "data tests"}
START = "imports, ledger, git"
DBT = "dbt: start, parse, end"


@dataclass(frozen=True)
class Node:
    """A model, seed or test that ran: dbt's seconds, and its share of the CPU seconds."""

    name: str
    kind: str
    seconds: float
    cpu: float


@dataclass(frozen=True)
class Part:
    """A step of a candidate outside of dbt's nodes: wall and CPU seconds."""

    name: str
    wall: float
    cpu: float


@dataclass(frozen=True)
class Remade:
    """What one candidate took, whole and in parts: seconds and gigabytes.

    Nodes run two at a time: their seconds overlap, and they share the CPU equally.
    """

    date: str
    customers: int
    case: str
    wall: float
    cpu: float
    peak: float
    build_size: float
    nodes: tuple[Node, ...]
    parts: tuple[Part, ...]

    def of(self, *kinds: str) -> tuple[int, float, float]:
        """Return how many nodes of some kinds ran, their seconds and their CPU seconds."""
        mine = [node for node in self.nodes if node.kind in kinds]
        return len(mine), sum(node.seconds for node in mine), sum(node.cpu for node in mine)

    @classmethod
    def told(cls, told: Mapping[str, Any]) -> Remade:
        """Return what a file of results holds of one candidate."""
        nodes = tuple(Node(**each) for each in told["nodes"])
        parts = tuple(Part(**each) for each in told["parts"])
        return cls(**{**told, "nodes": nodes, "parts": parts})


def measure(place: Place, customers: int, clone: Path, date: str, say: Say) -> Iterator[Remade]:
    """Make a client with a night, and candidates of that night's build; yield what each took.

    What has been made of the client before is kept.
    """
    checkout = Checkout.clone(clone)
    nightly.prepare(place, Size(customers), [NIGHT], say)
    _run_the_night(place, checkout)
    yield from candidates(place, customers, checkout, date, say)


def candidates(
    place: Place,
    customers: int,
    checkout: Checkout,
    date: str,
    say: Say,
    edits: Mapping[str, Edit] = EDITS,
) -> Iterator[Remade]:
    """Make candidates of what is live, which the checkout's code made; yield what each took.

    They are removed again.
    """
    for case, edit in edits.items():
        release = checkout.release(place.instance, edit)
        asked = ((case, ()), (ANEW, ("--from-nothing",)))
        # Anew all releases cost the same: that of the first counts for all.
        for name, more in asked[: 2 if case == next(iter(edits)) else 1]:
            found = _candidate(place, customers, release, name, date, more)
            count = found.of("models")[0]
            say(f"  {name}: {count} models, {found.wall:.0f} s, {found.cpu:.0f} CPU s")
            yield found


def _run_the_night(place: Place, checkout: Checkout) -> None:
    """Have the clone run the night, unless the very same code has."""
    command = [sys.executable, "-m", "flows.cli", "run", str(NIGHT)]
    told = place.environment | {"PYTHONPATH": str(checkout.folder)}
    if not _stands(place, checkout):
        run([*command, "--no-send"], told, place.folder / f"night-{NIGHT}.log", checkout.folder)
    if not _stands(place, checkout):
        raise Failed(f"{place.instance.live} is not of {NIGHT} and of the code that is measured.")


def _stands(place: Place, checkout: Checkout) -> bool:
    build_id = live.current(place.instance) or ""
    release = live.release_of(Ledger(place.instance.ledger_url), build_id)
    return build_id.startswith(str(NIGHT)) and checkout.made(release)


def _candidate(
    place: Place, customers: int, release: Release, case: str, date: str, more: Sequence[str]
) -> Remade:
    told, log = place.folder / "steps.json", place.folder / "candidate.log"
    # A deploy parses anew: before the candidate the release that is live has made its replay.
    shutil.rmtree(place.instance.root / "dbt", ignore_errors=True)
    asked = ["candidate", live.current_or_stop(place.instance), *more]
    command = release.command("benchmarks.release.remake", str(told), *asked)
    used = run(command, release.environment(place.instance), log, release.folder)
    done = json.loads(log.read_text().splitlines()[-1])["done"]
    made = live.path_of(place.instance, done["build_id"])
    size = made.stat().st_size
    # The same inputs would be kept as they are: forget them.
    for path in made.parent.glob(f"{done['build_id']}*"):
        path.unlink()
    nodes, parts = _parts(json.loads(told.read_text()), used)
    return Remade(
        date=date,
        customers=customers,
        case=case,
        wall=round(used.wall, 2),
        cpu=round(used.cpu, 2),
        peak=round(used.peak / GIGABYTE, 2),
        build_size=round(size / GIGABYTE, 2),
        nodes=nodes,
        parts=parts,
    )


def _parts(
    told: Sequence[Mapping[str, Any]], used: Usage
) -> tuple[tuple[Node, ...], tuple[Part, ...]]:
    dbt = next(each for each in told if each["step"] == "dbt")
    spans = [nightly.span_of(node) for node in dbt["nodes"]]
    nodes = []
    for node, cpu in zip(dbt["nodes"], used.cpu_of(spans), strict=True):
        kind, _, name = node["unique_id"].split(".")[:3]
        nodes.append(Node(name, KINDS[kind], round(node["execution_time"], 3), round(cpu, 3)))
    running = max(last for _, last in spans) - min(first for first, _ in spans)
    steps = [(each["step"], each["wall"], each["cpu"]) for each in told if each is not dbt]
    steps.append((DBT, dbt["wall"] - running, dbt["cpu"] - sum(node.cpu for node in nodes)))
    clocked = [sum(each[key] for each in told) for key in ("wall", "cpu")]
    steps.append((START, used.wall - clocked[0], used.cpu - clocked[1]))
    return tuple(nodes), tuple(Part(n, round(wall, 2), round(cpu, 2)) for n, wall, cpu in steps)
