"""The view of what is live, made again: with other code, or with its own, as a proof.

Both read exactly the batches of the build that is live, and stand on its base. What the new code
does not touch is not made again: the candidate starts as a copy of live, and dbt makes what was
changed, and everything that hangs on it, anew from every batch. Where our own Python or a library
changed there is no telling what that touches: then everything is made anew.

Runs in a process and a checkout of the release whose code it is: see `flows.releases.remake`.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from flows.builds import dbt, fingerprints, fork, live, pinned_batches, pins
from flows.builds.build import CANDIDATE, Build, make
from flows.builds.recount import compare
from flows.builds.release import code_version
from flows.contracts.contract import Contract
from flows.errors import CannotReplay
from flows.ledger import Ledger, builds
from flows.releases.worktrees import changed_files
from flows.settings import PROJECT, Instance

# What dbt does not know to be different: there everything is made anew.
BENEATH_DBT = ("flows", "requirements.lock", "dbt_project.yml", "profiles.yml")
NO_TESTS = ("--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")


@dataclass(frozen=True)
class Candidate:
    """A build made beside live with new code, and the models and seeds that were made anew for it.

    None of them when the very candidate had been made before.
    """

    build: Build
    remade: tuple[str, ...]


@dataclass(frozen=True)
class _Origin:
    """What is known of the build that is live."""

    build_id: str
    day: dt.date
    base: str | None
    release: str

    @classmethod
    def of(cls, ledger: Ledger, build_id: str) -> _Origin:
        row = ledger.row(sa.select(builds).where(builds.c.build_id == build_id))
        if row is None:
            raise CannotReplay(f"The ledger does not know {build_id}. See the builds: scv status")
        return cls(build_id, row["business_date"], row["base_build_id"], row["release"])


@dataclass(frozen=True)
class _Work:
    """What a candidate is made of, and where."""

    instance: Instance
    origin: _Origin
    candidate: Path
    clock: pins.Clock
    pinned: Sequence[pins.Pinned]
    progress: dbt.Progress


def make_candidate(
    instance: Instance,
    ledger: Ledger,
    contracts: Mapping[str, Contract],
    of: str,
    progress: dbt.Progress = lambda _: None,
    reuse: bool = True,
) -> Candidate:
    """Make the view of a published build with the code of this checkout, and test all of it.

    Args:
        instance: where builds stand; its lock must be held.
        ledger: what the candidate is written down in.
        contracts: those of this checkout.
        of: the published build whose base and batches are taken.
        progress: is told of each node.
        reuse: False to make everything anew although it need not be.

    Raises:
        BuildFailed: when a model or a test failed.
        CannotReplay: when what it was made of is gone.
    """
    origin = _Origin.of(ledger, of)
    pinned = _pinned(instance, contracts, origin)
    may_reuse = reuse and not _differs_beneath_dbt(origin.release)
    ran: list[dict[str, Any]] = []

    def fill(candidate: Path, clock: pins.Clock) -> Path:
        work = _Work(instance, origin, candidate, clock, pinned, progress)
        made = _make_changed(work) if may_reuse else _make_all(work)
        ran.extend(json.loads((made / "run_results.json").read_text())["results"])
        return made

    built = make(instance, ledger, origin.day, origin.base, pinned, fill)
    return Candidate(built, tuple(_models(result["unique_id"] for result in ran)))


def replay(
    instance: Instance,
    ledger: Ledger,
    contracts: Mapping[str, Contract],
    of: str,
    progress: dbt.Progress = lambda _: None,
) -> int:
    """Make a published build again from its base, as its night did, and hold every row against it.

    Returns:
        How many tables came out the same; all of them did.

    Raises:
        BuildFailed: when a model failed.
        CannotReplay: when anything came out otherwise, by model, attribute and customer.
    """
    origin = _Origin.of(ledger, of)
    pinned = _pinned(instance, contracts, origin)
    anew, built = instance.builds / CANDIDATE, live.path_of(instance, of)
    try:
        fork.fork(live.path_of(instance, origin.base) if origin.base else None, anew)
        pins.pin(anew, pins.Clock(of, origin.day, origin.release, origin.base), pinned)
        dbt.run(instance, anew, ["build", *NO_TESTS], progress)
        was, now = fingerprints.take(built), fingerprints.take(anew)
        different = sorted(
            name for name in was.keys() | now.keys() if was.get(name) != now.get(name)
        )
        if different:
            there = [name for name in different if name in was and name in now]
            found = [each.sentence for each in compare(built, anew, there[:3], everybody=True)]
            raise CannotReplay(
                f"{of} made again with its own code and batches comes out otherwise: "
                f"{'; '.join(found) or different[0]} ({len(different)} of {len(was)} tables). "
                f"What a new release changes could not be told from that: scv run {origin.day} "
                "--from-nothing makes it whole, then deploy again"
            )
    finally:
        fork.discard(anew)
    return len(was)


def _pinned(
    instance: Instance, contracts: Mapping[str, Contract], origin: _Origin
) -> list[pins.Pinned]:
    path = live.batches_of(instance, origin.build_id)
    base = live.path_of(instance, origin.base) if origin.base else path
    for needed in (path, base, live.path_of(instance, origin.build_id)):
        if not needed.is_file():
            raise CannotReplay(
                f"{origin.build_id} cannot be made again: {needed} is gone. Run the date again "
                f"(scv run {origin.day}), and keep more builds: SCV_KEEP_BUILDS"
            )
    return pinned_batches.read(path, contracts)


def _differs_beneath_dbt(release: str) -> bool:
    now = code_version()
    if release == now:
        return False
    if "+" in release or "+" in now:
        return True
    return bool(changed_files(PROJECT, release, now, *BENEATH_DBT))


def _make_all(work: _Work) -> Path:
    # From the base all the same: what a build tells of it (who was contactable, who was where).
    base = work.origin.base
    fork.fork(live.path_of(work.instance, base) if base else None, work.candidate)
    pins.pin(work.candidate, work.clock, work.pinned)
    return dbt.run(work.instance, work.candidate, ["build", "--full-refresh"], work.progress)


def _make_changed(work: _Work) -> Path:
    instance, origin = work.instance, work.origin
    manifest = live.manifest_of(instance, origin.build_id)
    fork.fork(live.path_of(instance, origin.build_id), work.candidate)
    told = pins.pin_anew(work.candidate, work.clock, work.pinned)
    state = instance.root / "dbt-state"
    state.mkdir(exist_ok=True)
    shutil.copyfile(manifest, state / "manifest.json")
    contracts = changed_files(PROJECT, origin.release, work.clock.code_version, "expectations")
    selected = [
        "state:modified+",
        *(f"source:pinned.{table}+" for table in told),
        *(f"source:raw.{Path(file).stem}+" for file in contracts if (PROJECT / file).is_file()),
        # Whatever was not made again is tested all the same.
        "resource_type:test",
    ]
    arguments = ["build", "--full-refresh", "--state", str(state), "--select", *selected]
    made = dbt.run(instance, work.candidate, arguments, work.progress)
    _take_over_sql(made / "manifest.json", manifest)
    return made


def _take_over_sql(manifest: Path, former: Path) -> None:
    """Give the nodes that dbt did not compile the SQL that they were made with."""
    graph, before = json.loads(manifest.read_text()), json.loads(former.read_text())["nodes"]
    for name, node in graph["nodes"].items():
        if not node.get("compiled_code") and name in before:
            node |= {key: before[name].get(key) for key in ("compiled", "compiled_code")}
    manifest.write_text(json.dumps(graph))


def _models(ids: Iterable[str]) -> list[str]:
    return sorted(each.split(".")[2] for each in ids if each.startswith(("model.", "seed.")))
