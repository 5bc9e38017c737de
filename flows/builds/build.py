"""build = f(base build, pinned batches, release, business date).

The base is the published build of the business date before, never of the same one, so a build may
be repeated any number of times and comes out the same. It is made beside live, under a name that
nobody reads, and gets its own name only when everything in it is built and tested.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa

from flows.builds import dbt, fingerprints, fork, live, pinned_batches, pins, retention
from flows.builds.release import code_version
from flows.contracts.contract import Contract
from flows.contracts.policy import Verdict
from flows.errors import BuildFailed, ContractWrong
from flows.intake.casting import identifier
from flows.ledger import Ledger, builds, now
from flows.ledger import fingerprints as fingerprints_table
from flows.ledger import pins as pins_table
from flows.settings import Instance

# A fixed name keeps dbt's parse of the project valid from night to night.
CANDIDATE = "candidate.duckdb"
NO_UNIT_TESTS = ("--exclude-resource-type", "unit_test")
Fill = Callable[[Path, pins.Clock], Path]


@dataclass(frozen=True)
class Build:
    """A finished build. `reused` when the same inputs had been built before."""

    build_id: str
    business_date: dt.date
    seconds: float
    reused: bool


def build(
    instance: Instance,
    ledger: Ledger,
    contracts: Mapping[str, Contract],
    verdicts: Sequence[Verdict],
    day: dt.date,
    progress: dbt.Progress = lambda _: None,
    from_nothing: bool = False,
) -> Build:
    """Fork the base, pin the batches, run dbt, take fingerprints; live does not move here.

    With `from_nothing` there is no base: everything is made of every batch.

    Raises:
        BuildFailed: when a model or a test failed. The candidate is thrown away.
    """
    base = None if from_nothing else base_of(ledger, day)
    pinned = pins.choose(ledger, contracts, verdicts)
    return build_pinned(instance, ledger, day, base, pinned, progress)


def build_pinned(
    instance: Instance,
    ledger: Ledger,
    day: dt.date,
    base: str | None,
    pinned: Sequence[pins.Pinned],
    progress: dbt.Progress = lambda _: None,
) -> Build:
    """Build from these batches and no others: as `build` does once they are chosen.

    Raises:
        BuildFailed: when a model or a test failed. The candidate is thrown away.
    """

    def fill(candidate: Path, clock: pins.Clock) -> Path:
        fork.fork(live.path_of(instance, base) if base else None, candidate)
        pins.pin(candidate, clock, pinned)
        return dbt.run(instance, candidate, ["build", *NO_UNIT_TESTS], progress)

    return make(instance, ledger, day, base, pinned, fill)


def make(
    instance: Instance,
    ledger: Ledger,
    day: dt.date,
    base: str | None,
    pinned: Sequence[pins.Pinned],
    fill: Fill,
) -> Build:
    """Have a candidate filled and keep it under a name of its own; made before, it is kept as is.

    Args:
        instance: where builds stand. Its lock must be held: there is one candidate at a time.
        ledger: what it is written down in.
        day: the business date.
        base: the build it is forked from, or None.
        pinned: what it is made of.
        fill: makes and tests everything in the candidate, and returns dbt's artifacts.

    Raises:
        BuildFailed: when a model or a test failed. The candidate is thrown away.
        ContractWrong: when batches taken before do not fit its types. So it is then.
    """
    release = code_version()
    inputs = pins.inputs_digest(base, release, pinned)
    done = _same_inputs(instance, ledger, day, inputs)
    if done is not None:
        return Build(done["build_id"], day, done["seconds"] or 0.0, reused=True)
    clock = pins.Clock(_next_id(ledger, day), day, release, base)
    _open(ledger, clock, inputs, [each.verdict for each in pinned])
    started = time.monotonic()
    candidate = instance.builds / CANDIDATE
    try:
        made = fill(candidate, clock)
        prints = _finish(candidate, made / "manifest.json")
    except (BuildFailed, ContractWrong) as failed:
        fork.discard(candidate)
        ledger.change(
            builds, builds.c.build_id == clock.build_id, state="failed", sentence=str(failed)
        )
        raise
    seconds = time.monotonic() - started
    shutil.copyfile(made / "manifest.json", live.manifest_of(instance, clock.build_id))
    pinned_batches.keep(live.batches_of(instance, clock.build_id), pinned)
    _keep(instance, ledger, clock.build_id, candidate, prints, seconds)
    return Build(clock.build_id, day, seconds, reused=False)


def base_of(ledger: Ledger, day: dt.date) -> str | None:
    """Return the published build of the latest business date before `day`, or None."""
    query = (
        sa.select(builds.c.build_id)
        .where(builds.c.business_date < day, builds.c.state == "published")
        .order_by(builds.c.business_date.desc(), builds.c.started_at.desc())
    )
    found = ledger.row(query)
    return str(found["build_id"]) if found else None


def repair(instance: Instance, ledger: Ledger) -> list[str]:
    """After a crash: throw away what was half made; say what was done."""
    said = []
    for row in ledger.rows(sa.select(builds).where(builds.c.state == "building")):
        build_id = row["build_id"]
        retention.remove(instance, build_id)
        ledger.change(
            builds, builds.c.build_id == build_id, state="failed", sentence="killed while building"
        )
        said.append(f"The build {build_id} was cut off: thrown away, it will be made again.")
    fork.discard(instance.builds / CANDIDATE)
    return said


def _same_inputs(instance: Instance, ledger: Ledger, day: dt.date, inputs: str) -> Any:
    query = sa.select(builds).where(
        builds.c.business_date == day,
        builds.c.inputs == inputs,
        builds.c.state.in_(["built", "published"]),
    )
    found = ledger.row(query)
    kept = found is not None and live.path_of(instance, found["build_id"]).is_file()
    return found if kept else None


def _next_id(ledger: Ledger, day: dt.date) -> str:
    query = sa.select(sa.func.count().label("n")).where(builds.c.business_date == day)
    return f"{day}-{int((ledger.row(query) or {'n': 0})['n']) + 1:02d}"


def _open(ledger: Ledger, clock: pins.Clock, inputs: str, verdicts: Sequence[Verdict]) -> None:
    with ledger.write() as connection:
        connection.execute(
            sa.insert(builds).values(
                build_id=clock.build_id,
                business_date=clock.business_date,
                base_build_id=clock.base_build_id,
                release=clock.code_version,
                inputs=inputs,
                state="building",
                started_at=now(),
            )
        )
        for verdict in verdicts:
            connection.execute(
                sa.insert(pins_table).values(
                    build_id=clock.build_id,
                    table_name=verdict.table,
                    state=verdict.state,
                    as_of_date=verdict.as_of,
                    is_stale=verdict.is_stale(clock.business_date),
                    policy=verdict.policy,
                    hold=verdict.hold,
                    sentence=verdict.sentence,
                )
            )


def _finish(candidate: Path, manifest: Path) -> dict[str, tuple[int, str]]:
    with duckdb.connect(str(candidate)) as connection:
        _drop_what_the_release_does_not_know(connection, json.loads(manifest.read_text()))
        connection.execute("checkpoint")
    return fingerprints.take(candidate, fingerprints.PUBLIC)


def _drop_what_the_release_does_not_know(
    connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any]
) -> None:
    # A model that was removed or renamed is still in the base that the build was forked from.
    known = {(node["schema"], node["name"]) for node in manifest["nodes"].values()}
    found = connection.execute(
        "select table_schema, table_name, table_type from information_schema.tables "
        "where table_schema <> 'raw'"
    ).fetchall()
    for schema, name, kind in found:
        if (schema, name) not in known:
            what = "view" if kind == "VIEW" else "table"
            connection.execute(f"drop {what} {identifier(schema)}.{identifier(name)}")


def _keep(
    instance: Instance,
    ledger: Ledger,
    build_id: str,
    candidate: Path,
    prints: Mapping[str, tuple[int, str]],
    seconds: float,
) -> None:
    with candidate.open("rb") as file:
        os.fsync(file.fileno())
    candidate.chmod(0o444)
    candidate.replace(live.path_of(instance, build_id))
    with ledger.write() as connection:
        connection.execute(
            sa.update(builds)
            .where(builds.c.build_id == build_id)
            .values(state="built", seconds=seconds)
        )
        for relation, (rows, total) in prints.items():
            connection.execute(
                sa.insert(fingerprints_table).values(
                    build_id=build_id, relation=relation, row_count=rows, row_hash=total
                )
            )
