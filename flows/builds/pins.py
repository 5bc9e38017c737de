"""Pin the batches that a build reads: views in `raw` over exactly these files, and no others.

A delta table is pinned with every batch up to the business date, newest version of each; a full
table with its newest batch. The build also carries its own clock: `raw.build`, one row. What it
needs of its base is in `flows.builds.base`, whose rows were set aside in `flows.builds.set_aside`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import sqlalchemy as sa

from flows.builds import base, batch_columns, raw_views, set_aside
from flows.contracts.contract import Contract, Through
from flows.contracts.policy import Verdict
from flows.intake.casting import identifier
from flows.ledger import Ledger, deliveries

# What contracts and decisions make of the batches, and models read.
TOLD = ("batches", "set_aside")


@dataclass(frozen=True)
class Pinned:
    """The batches of one raw table, oldest first, and the verdict under which they are used."""

    contract: Contract
    verdict: Verdict
    dates: tuple[dt.date, ...]
    paths: tuple[str, ...]
    hashes: tuple[str, ...]
    quarantines: tuple[str | None, ...]


@dataclass(frozen=True)
class Clock:
    """What `raw.build` holds."""

    build_id: str
    business_date: dt.date
    code_version: str
    base_build_id: str | None


def choose(
    ledger: Ledger, contracts: Mapping[str, Contract], verdicts: Sequence[Verdict]
) -> list[Pinned]:
    """Return what to pin for each table: accepted batches up to the date of its verdict."""
    return [_choose(ledger, contracts[verdict.table], verdict) for verdict in verdicts]


def _choose(ledger: Ledger, contract: Contract, verdict: Verdict) -> Pinned:
    query = (
        sa.select(deliveries)
        .where(deliveries.c.table_name == contract.table, deliveries.c.taken)
        .where(deliveries.c.business_date <= (verdict.as_of or dt.date.min))
        .order_by(deliveries.c.business_date, deliveries.c.version)
    )
    newest = {row["business_date"]: row for row in ledger.rows(query)}
    chosen = list(newest.values())[-1:] if contract.load == "full" else list(newest.values())
    return Pinned(
        contract,
        verdict,
        tuple(row["business_date"] for row in chosen),
        tuple(str(row["batch_path"]) for row in chosen),
        # A batch is its delivery's bytes and version: a person may let more of them in.
        tuple(f"{row['sha256']}-v{row['version']}" for row in chosen),
        tuple(row["quarantine_path"] for row in chosen),
    )


def inputs_digest(base_build_id: str | None, release: str, pinned: Sequence[Pinned]) -> str:
    """Return one hash of all that a build depends on: base, batches and their states, release."""
    told = {
        each.contract.table: [each.verdict.state, str(each.verdict.as_of), *each.hashes]
        for each in pinned
    }
    text = json.dumps([base_build_id, release, told], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def pin(
    build: Path, clock: Clock, pinned: Sequence[Pinned], records: Sequence[int] | None = None
) -> None:
    """Write the views and the clock into a build file, and what of them its base did not have.

    With `records` only rows of these records of the client are seen, where a table has any.

    Raises:
        ContractWrong: when values of a batch are none of the types that a contract now says.
    """
    with duckdb.connect(str(build)) as connection:
        connection.execute("create schema if not exists raw")
        base.compare_batches(connection, _batch_files(pinned))
        base.keep(connection)
        if records is not None:
            ids = "create or replace table raw.sample as select unnest(?::bigint[]) as id"
            connection.execute(ids, [list(records)])
        for each, view in _views(connection, pinned):
            name = identifier(each.contract.table)
            seen = view if records is None else _of_sample(each.contract, view)
            connection.execute(f"create or replace view raw.{name} as {seen}")
            if records is not None and each.contract.customer_through is not None:
                _write_accounts(connection, each.contract.customer_through)
        _write_clock(connection, clock)
        _write_told(connection, clock.business_date, pinned, sampled=records is not None)


def pin_anew(build: Path, clock: Clock, pinned: Sequence[Pinned]) -> list[str]:
    """Let a copy of a build be seen by other contracts and code; base and batches stay the same.

    Returns:
        The tables of `raw` that say something else than before, so that models of them do too.

    Raises:
        ContractWrong: when values of a batch are none of the types that a contract now says.
    """
    with duckdb.connect(str(build)) as connection:
        before = [_content(connection, table) for table in TOLD]
        for each, view in _views(connection, pinned):
            name = identifier(each.contract.table)
            connection.execute(f"create or replace view raw.{name} as {view}")
        connection.execute(
            "update raw.build set build_id = ?, code_version = ?",
            [clock.build_id, clock.code_version],
        )
        _write_told(connection, clock.business_date, pinned, sampled=False)
        after = [_content(connection, table) for table in TOLD]
    return [table for table, old, new in zip(TOLD, before, after, strict=True) if old != new]


def _write_told(
    connection: duckdb.DuckDBPyConnection,
    day: dt.date,
    pinned: Sequence[Pinned],
    sampled: bool,
) -> None:
    _write_states(connection, day, pinned)
    asides = [
        set_aside.Quarantine(p.contract, dict(zip(p.dates, p.quarantines, strict=True)))
        for p in pinned
    ]
    set_aside.write(connection, day, asides, sampled)
    # A build holds the raw views of its contracts and no others.
    _drop_others(connection, {each.contract.table for each in pinned})


def _content(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[int, int]:
    query = f"select count(*), coalesce(sum(hash({table})), 0) from raw.{table}"
    rows, total = connection.execute(query).fetchall()[0]
    return int(rows), int(total)


def _batch_files(pinned: Sequence[Pinned]) -> list[base.BatchFile]:
    return [
        base.BatchFile(each.contract.table, day, sha256)
        for each in pinned
        if each.contract.load != "full"
        for day, sha256 in zip(each.dates, each.hashes, strict=True)
    ]


def _views(
    connection: duckdb.DuckDBPyConnection, pinned: Sequence[Pinned]
) -> list[tuple[Pinned, str]]:
    """Return each table with the SQL of its view: whose accounts others ask comes before them."""
    known = batch_columns.of(connection, [path for each in pinned for path in each.paths])
    for each in pinned:
        raw_views.refuse_misfits(connection, each.contract, each.paths, known)
    ordered = sorted(pinned, key=lambda one: one.contract.customer_through is not None)
    return [(each, raw_views.view(each.contract, each.paths, known)) for each in ordered]


def _of_sample(contract: Contract, view: str) -> str:
    kept, through = "", contract.customer_through
    if contract.customer_column:
        column = identifier(contract.customer_column)
        kept = f"where {column} in (select id from raw.sample)"
    elif through is not None:
        column = identifier(through.column)
        kept = f"where {column} in (select {column} from raw.{identifier(through.table)})"
    return f"select * from ({view}) {kept}"


def _write_accounts(connection: duckdb.DuckDBPyConnection, through: Through) -> None:
    # By it a recount compares what names accounts and no customers.
    connection.execute(
        f"create or replace table raw.{identifier(f'sample_{through.column}')} as "
        f"select distinct {identifier(through.column)} as id from raw.{identifier(through.table)}"
    )


def _write_clock(connection: duckdb.DuckDBPyConnection, clock: Clock) -> None:
    before = base.clock_of(connection)
    connection.execute(
        "create or replace table raw.build (build_id varchar, business_date date, "
        "code_version varchar, base_build_id varchar, base_business_date date, "
        "base_code_version varchar)"
    )
    connection.execute(
        "insert into raw.build values (?, ?, ?, ?, ?, ?)",
        [clock.build_id, clock.business_date, clock.code_version, clock.base_build_id, *before],
    )


def _write_states(
    connection: duckdb.DuckDBPyConnection, day: dt.date, pinned: Sequence[Pinned]
) -> None:
    connection.execute(
        "create or replace table raw.batches (table_name varchar, state varchar, "
        "as_of_date date, is_stale boolean, is_consent boolean)"
    )
    for each in pinned:
        verdict = each.verdict
        connection.execute(
            "insert into raw.batches values (?, ?, ?, ?, ?)",
            [
                verdict.table,
                verdict.state,
                verdict.as_of,
                verdict.is_stale(day),
                verdict.is_consent,
            ],
        )


def _drop_others(connection: duckdb.DuckDBPyConnection, tables: set[str]) -> None:
    found = connection.execute(
        "select view_name from duckdb_views() where schema_name = 'raw' and not internal"
    ).fetchall()
    for (name,) in found:
        if name not in tables:
            connection.execute(f"drop view raw.{identifier(name)}")
