"""Databases, against the driver alone; PostgreSQL and MariaDB on loopback, where there are any."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import closing
from functools import partial
from typing import Any

import adbc_driver_postgresql.dbapi as postgres
import adbc_driver_sqlite.dbapi as sqlite
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pymysql
import sqlalchemy as sa

from benchmarks.intake import sales
from benchmarks.intake.case import Case, Place, Work
from flows.intake.sources import databases, duckdb_file, postgresql, streamed_rows
from flows.intake.sources import sqlite as sqlite_file
from flows.intake.sources.declared import Database, QueryTable

POSTGRES = os.environ.get("SCV_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")
MARIADB = os.environ.get("SCV_TEST_MARIADB", "mysql+pymysql://root@127.0.0.1:3306/test")
# Imported before the clock runs, as they are in a night that has read a table before.
WAYS = (databases, duckdb_file, postgresql, sqlite_file, streamed_rows)
NAME = "benchmark_of_the_intake"
CHUNK = 50_000


def _ours(url: str, place: Place) -> Work:
    tables = {sales.TABLE: QueryTable(relation=NAME)}
    address = url.format(folder=place.folder)
    source = Database(kind="database", description="tills", url=address, tables=tables)
    return sales.taken_in(place, source)


def _prepare_postgres(place: Place) -> None:
    sales.prepare(place)
    with postgres.connect(POSTGRES, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(f"drop table if exists {NAME}")
        cursor.adbc_ingest(NAME, sales.arrow(place), mode="create")


def _prepare_sqlite(place: Place) -> None:
    sales.prepare(place)
    rows = duckdb.sql(
        "select * replace (cast(business_date as varchar) as business_date, "
        "cast(sold_at as varchar) as sold_at, cast(sales_value as double) as sales_value, "
        "cast(retail_disc as double) as retail_disc, cast(coupon_disc as double) as coupon_disc, "
        f"cast(coupon_match_disc as double) as coupon_match_disc) from '{place.table}'"
    )
    with sqlite.connect(f"{place.folder}/client.db") as connection, connection.cursor() as cursor:
        cursor.adbc_ingest(NAME, rows.arrow(CHUNK), mode="replace")
        connection.commit()


def _prepare_duckdb(place: Place) -> None:
    sales.prepare(place)
    with duckdb.connect(f"{place.folder}/client.db") as connection:
        connection.execute(f"create or replace table {NAME} as from '{place.table}'")


def _prepare_mariadb(place: Place) -> None:
    sales.prepare(place)
    file = f"{place.folder}/table.csv"
    duckdb.execute(f"copy (from '{place.table}') to '{file}' (format csv, header false)")
    columns = ", ".join(
        f"{column.name} {column.data_type.replace('timestamp', 'datetime')}"
        for column in sales.contract_of(suite=False).columns
    )
    with closing(_mariadb()) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(f"create or replace table {NAME} ({columns})")
        cursor.execute(
            f"load data local infile '{file}' into table {NAME} fields terminated by ','"
        )


def _mariadb() -> Any:
    url = sa.make_url(MARIADB)
    where = {"host": url.host, "port": url.port or 3306, "database": url.database}
    who = {"user": url.username, "password": str(url.password or "")}
    return pymysql.connect(
        **where, **who, autocommit=True, local_infile=True, cursorclass=pymysql.cursors.SSCursor
    )


def _bare_adbc(driver: Any, address: str, place: Place) -> Work:
    def work() -> None:
        uri = address.format(folder=place.folder)
        with driver.connect(uri) as connection, connection.cursor() as cursor:
            cursor.execute(f"select * from {NAME}")
            reader = cursor.fetch_record_batch()
            _write(place, reader.schema, reader)

    return work


def _write(place: Place, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    with pq.ParquetWriter(place.written, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)


def _bare_duckdb(place: Place) -> Work:
    connection = sales.connect(place)
    connection.execute(f"attach '{place.folder}/client.db' as client (read_only)")
    return lambda: connection.execute(
        f"copy client.{NAME} to '{place.written}' (format parquet, compression zstd)"
    )


def _bare_mariadb(place: Place) -> Work:
    schema = duckdb.sql(f"from '{place.table}' limit 0").arrow().schema

    def work() -> None:
        with closing(_mariadb()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(f"select * from {NAME}")
            chunks = iter(lambda: cursor.fetchmany(CHUNK), ())
            _write(place, schema, (_batch(schema, chunk) for chunk in chunks if chunk))

    return work


def _batch(schema: pa.Schema, rows: Iterable[tuple[Any, ...]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(c, field.type) for c, field in zip(columns, schema, strict=True)]
    return pa.record_batch(arrays, schema=schema)


def cases() -> list[Case]:
    """Return the cases; a server that is not there fails its own."""
    file = "{folder}/client.db"
    told = "ADBC, to Parquet"
    return [
        Case(
            "postgresql",
            partial(_ours, POSTGRES),
            partial(_bare_adbc, postgres, POSTGRES),
            told,
            _prepare_postgres,
            1,
            1.5,
        ),
        Case(
            "sqlite",
            partial(_ours, f"sqlite:///{file}"),
            partial(_bare_adbc, sqlite, file),
            told,
            _prepare_sqlite,
        ),
        Case(
            "duckdb",
            partial(_ours, f"duckdb:///{file}"),
            _bare_duckdb,
            "DuckDB, to Parquet",
            _prepare_duckdb,
        ),
        Case(
            "mariadb",
            partial(_ours, MARIADB),
            _bare_mariadb,
            "pymysql, to Parquet",
            _prepare_mariadb,
            0.2,
        ),
    ]
