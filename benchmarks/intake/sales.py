"""Lines of sale, eleven columns like the demo client's: the rows of nearly every case."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import pyarrow as pa

from benchmarks.intake.case import Place, Work
from flows.contracts.contract import Contract
from flows.contracts.files import read_contracts
from flows.intake.intake import Intake
from flows.intake.manifest import no_manifest
from flows.intake.reading.delivery import workbench
from flows.intake.receive import receive
from flows.ledger import Ledger

DAY = dt.date(2017, 11, 21)
TABLE = "transactions"


def contract_of(*, suite: bool) -> Contract:
    """Return the contract of the lines of sale, with its checks or without any."""
    contract = read_contracts()[TABLE]
    if suite:
        return contract
    columns = tuple(column.model_copy(update={"suite": ()}) for column in contract.columns)
    return contract.model_copy(update={"suite": (), "columns": columns})


def connect(place: Place) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB with the memory and the threads that the intake has."""
    spill = place.folder / "run" / "spill"
    spill.mkdir(parents=True, exist_ok=True)
    return workbench(place.instance.intake_memory, place.instance.threads, str(spill))


def prepare(place: Place) -> None:
    """Write the lines of sale as Parquet, the same ones each time."""
    place.sent.mkdir(parents=True, exist_ok=True)
    with connect(place) as connection:
        connection.execute(f"copy ({_lines(place.rows)}) to '{place.table}' (compression zstd)")


def taken_in(place: Place, source: Any, *, suite: bool = False) -> Work:
    """Return the whole intake of what a source has: fetched, kept, proved, read, cast, written."""
    instance, contract = place.instance, contract_of(suite=suite)
    ledger = Ledger(instance.ledger_url)
    intake = Intake(instance, ledger, contract, source, DAY, no_manifest(instance, DAY))
    if suite:
        # Its import takes seconds, once a night.
        import flows.contracts.checks  # noqa: F401

    def work() -> None:
        received = receive(intake)
        counts = received.counts
        if received.state != "arrived" or counts is None or counts.accepted != place.rows:
            raise RuntimeError(f"the intake took something else: {received}")

    return work


def types() -> str:
    """Return the columns of the contract with their types, as DuckDB's readers want them."""
    columns = contract_of(suite=False).columns
    return "{" + ", ".join(f"'{column.name}': '{column.data_type}'" for column in columns) + "}"


def arrow(place: Place) -> pa.RecordBatchReader:
    """Return the lines of sale as Arrow."""
    reader: pa.RecordBatchReader = duckdb.sql(f"from '{place.table}'").arrow(50_000)
    return reader


def _lines(rows: int) -> str:
    return f"""
        select
            31198450000 + i // 8 as basket_id,
            819000 + (i % 8) * 100000 + cast(hash(i) % 99991 as bigint) as product_id,
            1 + cast(hash(i // 8) % 2500 as bigint) as household_id,
            300 + cast(hash(i // 800) % 400 as bigint) as store_id,
            date '{DAY}' as business_date,
            timestamp '{DAY} 06:00:00' + to_seconds((i // 8) % 57600) as sold_at,
            1 + cast(hash(i, 1) % 5 as bigint) as quantity,
            cast((hash(i, 2) % 9000) / 100 as decimal(18, 4)) as sales_value,
            cast((hash(i, 3) % 300) / 100 as decimal(18, 4)) as retail_disc,
            cast(case when hash(i, 4) % 50 = 0 then 0.5 else 0 end as decimal(18, 4))
                as coupon_disc,
            cast(case when hash(i, 5) % 90 = 0 then 0.25 else 0 end as decimal(18, 4))
                as coupon_match_disc
        from range({rows}) as numbers (i)
    """
