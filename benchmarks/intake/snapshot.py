"""A full snapshot reduced to what changed, against reading and writing the same rows alone."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb

from benchmarks.intake import sales
from benchmarks.intake.case import Case, Place, Work
from flows.contracts.contract import Column, Contract, Expectation
from flows.intake import batches, snapshots

DAY = dt.date(2017, 11, 21)
COLUMNS = {
    "customer_id": "bigint",
    "full_name": "varchar",
    "email": "varchar",
    "postcode": "varchar",
    "born_on": "date",
    "points": "integer",
    "is_active": "boolean",
    "changed_at": "timestamp",
}


def _contract() -> Contract:
    # Only what the reduction reads is told; the rest of a contract says when things come.
    unique = Expectation(
        type="expect_column_values_to_be_unique",
        kwargs={"column": "customer_id"},
        severity="critical",
    )
    columns = [Column(name=n, data_type=t, description="measured") for n, t in COLUMNS.items()]
    told = sales.contract_of(suite=False).model_dump()
    told |= {"table": "customers", "grain": "customer_id", "load": "snapshot", "row_date": None}
    told |= {"customer_column": "customer_id"}
    return Contract(**told | {"columns": columns, "suite": [unique]})


def _prepare(place: Place) -> None:
    place.sent.mkdir(parents=True, exist_ok=True)
    with _workbench(place) as connection:
        connection.execute(f"copy ({_rows(place.rows, 0)}) to '{_before(place)}' (format parquet)")
        connection.execute(f"copy ({_rows(place.rows, 1)}) to '{place.table}' (format parquet)")
        connection.execute(f"create view accepted as from '{_before(place)}'")
        snapshots.reduce(connection, _contract(), DAY, None, _state(place))


def _workbench(place: Place) -> duckdb.DuckDBPyConnection:
    connection = sales.connect(place)
    # Nothing of a snapshot is set aside here; the intake asks.
    connection.execute("create table quarantined (row_text varchar, reason varchar)")
    return connection


def _before(place: Place) -> str:
    return f"{place.folder}/before.parquet"


def _state(place: Place) -> Path:
    return place.folder / "state.parquet"


def _rows(rows: int, day: int) -> str:
    # Of a hundred customers one has other points on the second day; of a thousand one is gone.
    return f"""
        select
            i as customer_id,
            'Name ' || hash(i) % 900000 as full_name,
            'person.' || i || '@mail.example' as email,
            cast(10000 + hash(i, 1) % 90000 as varchar) as postcode,
            date '1940-01-01' + cast(hash(i, 2) % 25000 as integer) as born_on,
            cast(hash(i, 3) % 10000 as integer)
                + case when {day} = 1 and hash(i, 6) % 100 = 0 then 1 else 0 end as points,
            hash(i, 4) % 10 > 0 as is_active,
            timestamp '2017-01-01' + to_seconds(cast(hash(i, 5) % 20000000 as bigint))
                as changed_at
        from range({rows}) as numbers (i)
        where {day} = 0 or hash(i, 7) % 1000 <> 0
    """


def _ours(place: Place) -> Work:
    connection, contract = _workbench(place), _contract()
    connection.execute(f"create view accepted as from '{place.table}'")
    run = place.folder / "run"

    def work() -> None:
        snapshots.reduce(connection, contract, DAY, _state(place), run / "state.parquet")
        batches.write(connection, "changes", run / "changes.parquet")

    return work


def _bare(place: Place) -> Work:
    connection = sales.connect(place)
    return lambda: connection.execute(
        f"copy (from '{place.table}') to '{place.written}' (format parquet, compression zstd)"
    )


def cases() -> list[Case]:
    """Return the one case."""
    return [Case("snapshot", _ours, _bare, "DuckDB, Parquet to Parquet", _prepare, 20)]
