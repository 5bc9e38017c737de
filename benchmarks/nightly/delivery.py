"""One night's delivery, as the declared sources of the project want it: files, CRM, manifest."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import duckdb

from benchmarks.nightly.size import Size
from benchmarks.nightly.tables import EMPTY, TABLES, rows_of
from flows.contracts.contract import Contract
from flows.intake.casting import identifier, literal
from flows.intake.landing import digest
from flows.intake.sources.declared import (
    Database,
    Files,
    FileTable,
    Outbox,
    read_sources,
    resolve,
    source_of,
)
from flows.settings import Instance

Entry = dict[str, str | int]
CHUNK = 50_000


def write_delivery(
    pool: duckdb.DuckDBPyConnection,
    instance: Instance,
    contracts: Mapping[str, Contract],
    size: Size,
    day: dt.date,
) -> list[Entry]:
    """Write what the client sends for a day, the manifest last; return the manifest's entries."""
    sources = read_sources()
    folder = instance.deliveries / day.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    entries: list[Entry] = []
    for contract in contracts.values():
        source = source_of(sources, contract)
        query = _ordered(contract, size, day)
        if isinstance(source, Files):
            entries.append(_write_file(pool, instance, source, contract, query, day))
        elif isinstance(source, Database):
            entries.append(_write_rows(pool, instance, source, contract, query))
        elif not isinstance(source, Outbox):
            raise NotImplementedError(f"{contract.table}: nothing here delivers to {source.kind}.")
    told = {"client": instance.client, "business_date": day.isoformat(), "initial": False}
    (folder / "manifest.json").write_text(json.dumps(told | {"tables": entries}, indent=2) + "\n")
    return entries


def _ordered(contract: Contract, size: Size, day: dt.date) -> str:
    query = rows_of(contract, size, day, day)
    return query if contract.table in EMPTY else f"{query} order by {TABLES[contract.table].order}"


def _write_file(
    pool: duckdb.DuckDBPyConnection,
    instance: Instance,
    source: Files,
    contract: Contract,
    query: str,
    day: dt.date,
) -> Entry:
    table = source.tables[contract.table]
    path = Path(resolve(source.store, instance, contract.source)) / table.path_on(day)
    path.parent.mkdir(parents=True, exist_ok=True)
    copied = pool.execute(f"copy ({query}) to {literal(str(path))} ({_options(table)})")
    rows = int(copied.fetchall()[0][0])
    return {"table": contract.table, "file": path.name, "rows": rows, "sha256": digest(path)}


def _options(table: FileTable) -> str:
    form = {"csv": "format csv, header", "jsonl": "format json", "parquet": "format parquet"}
    if table.format not in form:
        raise NotImplementedError(f"Nothing here writes {table.format}.")
    packed = f", compression {table.compression}" if table.compression else ""
    return form[table.format] + packed


def _write_rows(
    pool: duckdb.DuckDBPyConnection,
    instance: Instance,
    source: Database,
    contract: Contract,
    query: str,
) -> Entry:
    """Add the day's rows to a table of a SQLite database: what changed is all that is asked for."""
    url = resolve(source.url, instance, contract.source)
    if not url.startswith("sqlite:///"):
        raise NotImplementedError(f"{contract.table}: nothing here writes to {source.url}.")
    path, table = Path(url.removeprefix("sqlite:///")), source.tables[contract.table]
    rows = 0
    connection = sqlite3.connect(path)
    try:
        connection.execute(f"create table if not exists {table.relation} ({_declared(contract)})")
        marks = ", ".join("?" * len(contract.columns))
        found = pool.execute(f"select {_stored(contract)} from ({query})")
        while chunk := found.fetchmany(CHUNK):
            connection.executemany(f"insert into {table.relation} values ({marks})", chunk)
            rows += len(chunk)
        connection.commit()
    finally:
        connection.close()
    return {"table": contract.table, "database": path.name, "rows": rows}


def _declared(contract: Contract) -> str:
    kinds = {"bigint": "integer", "integer": "integer", "boolean": "integer"}
    columns = [f"{identifier(c.name)} {kinds.get(c.data_type, 'text')}" for c in contract.columns]
    return ", ".join(columns)


def _stored(contract: Contract) -> str:
    """Return the columns as SQLite holds them: dates as text, truth values as 0 and 1."""
    kinds = {"bigint": "bigint", "integer": "integer", "boolean": "integer"}
    return ", ".join(
        f"cast({identifier(c.name)} as {kinds.get(c.data_type, 'varchar')})"
        for c in contract.columns
    )
