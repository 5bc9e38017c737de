"""A build is a function of its base, its batches, its release and its date, and of nothing else."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import sqlalchemy as sa

from flows.builds import dbt, fingerprints, fork, live, pins
from flows.builds.build import base_of
from flows.contracts.files import read_contracts
from flows.contracts.policy import decide
from flows.ledger import Ledger, builds
from flows.ledger import fingerprints as fingerprints_table
from flows.settings import Instance

DAY = dt.date(2017, 11, 21)
BUILD = ["build", "--exclude-resource-type", "unit_test", "test"]


def rebuilt(
    instance: Instance, ledger: Ledger, base: str, *options: str
) -> dict[str, tuple[int, str]]:
    """Build the day again beside everything, by the code that made it, and fingerprint it."""
    contracts = read_contracts()
    verdicts = [decide(each, DAY, "arrived", "", DAY) for each in contracts.values()]
    target = instance.root / "again.duckdb"
    fork.fork(live.path_of(instance, base), target)
    made = ledger.row(sa.select(builds).where(builds.c.build_id == f"{DAY}-01"))
    assert made is not None
    clock = pins.Clock("again", DAY, made["release"], base)
    pins.pin(target, clock, pins.choose(ledger, contracts, verdicts))
    dbt.run(instance, target, [*BUILD, *options])
    return fingerprints.take(target)


def published(instance: Instance, ledger: Ledger) -> dict[str, tuple[int, str]]:
    """The fingerprints of what was published for the day; what the ledger has of them is true."""
    query = sa.select(fingerprints_table).where(fingerprints_table.c.build_id == f"{DAY}-01")
    written = {r["relation"]: (r["row_count"], r["row_hash"]) for r in ledger.rows(query)}
    found = fingerprints.take(live.path_of(instance, f"{DAY}-01"))
    assert written == {name: found[name] for name in found if not name.startswith("intermediate.")}
    return found


def different(one: dict[str, tuple[int, str]], other: dict[str, tuple[int, str]]) -> list[str]:
    """The relations that differ, by name."""
    return sorted(name for name in one | other if one.get(name) != other.get(name))


def test_the_same_inputs_give_the_same_rows(instance: Instance, ledger: Ledger) -> None:
    base = base_of(ledger, DAY)
    assert base is not None
    assert different(rebuilt(instance, ledger, base), published(instance, ledger)) == []


def test_three_nights_on_top_of_each_other_equal_one_build_of_all_batches(
    instance: Instance, ledger: Ledger
) -> None:
    base = base_of(ledger, DAY)
    assert base is not None
    assert (
        different(rebuilt(instance, ledger, base, "--full-refresh"), published(instance, ledger))
        == []
    )


def test_a_published_build_is_never_written_to(instance: Instance, ledger: Ledger) -> None:
    build: Path = live.path_of(instance, f"{DAY}-01")
    before = build.stat().st_mtime_ns, build.stat().st_size
    rebuilt(instance, ledger, f"{DAY}-01")
    assert (build.stat().st_mtime_ns, build.stat().st_size) == before
    assert build.stat().st_mode & 0o222 == 0
