"""A table of a DuckDB file, copied to Parquet by DuckDB itself."""

from __future__ import annotations

import re

import duckdb
from sqlglot import exp

from flows.errors import DeliveryRefused
from flows.intake.casting import literal
from flows.intake.sources import parquet, queries, refusals
from flows.intake.sources.addresses import file_of
from flows.intake.sources.declared import Database, QueryTable
from flows.intake.sources.queries import Kind
from flows.intake.sources.request import Arrived, Request

DIALECT = "duckdb"
# What Parquet keeps as it is; hugeint would turn into a floating number, the rest into structures.
_AS_THEY_ARE = re.compile(
    r"(U?(TINY|SMALL|BIG)INT|U?INTEGER|BOOLEAN|FLOAT|DOUBLE|DECIMAL\(.*\)|VARCHAR|DATE"
    r"|TIMESTAMP(_S|_MS|_NS| WITH TIME ZONE)?)$"
)
_TIMES: dict[str, Kind] = {
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP_S": "timestamp",
    "TIMESTAMP_MS": "timestamp",
    "TIMESTAMP_NS": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "VARCHAR": "text",
}


def fetch(source: Database, request: Request) -> Arrived:
    """Read one table in one statement, the file attached read-only.

    Raises:
        SourceUnreachable, TableMissing, FileBroken, ColumnsDiffer, ContractWrong: each with what
            to do next.
    """
    table = source.tables[request.table]
    rows = queries.rows_of(request, table, DIALECT)
    file = file_of(source, request)
    try:
        with parquet.whole(request) as path, _attached(str(file), request) as connection:
            statement = _statement(connection, table, request, rows)
            connection.execute(
                f"copy ({statement}) to {literal(str(path))} "
                f"(format parquet, compression zstd, row_group_size {parquet.ROW_GROUP})"
            )
    except duckdb.Error as error:
        raise _refusal(request, error) from None
    return parquet.arrived(request)


def _attached(file: str, request: Request) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        config={
            "memory_limit": request.instance.memory_limit,
            "threads": request.instance.threads,
            "temp_directory": str(request.folder / ".spill"),
        }
    )
    connection.execute("set timezone = 'UTC'")
    connection.execute("set enable_progress_bar = false")
    connection.execute(f"attach {literal(file)} as client (read_only)")
    connection.execute("use client")
    # From here on a query reads that file and nothing else of this machine.
    connection.execute(f"set allowed_directories = [{literal(str(request.folder))}]")
    connection.execute("set enable_external_access = false")
    return connection


def _statement(
    connection: duckdb.DuckDBPyConnection, table: QueryTable, request: Request, rows: exp.Select
) -> str:
    described = connection.execute(f"describe {rows.sql(DIALECT)}").fetchall()
    types = {str(name): str(data_type) for name, data_type, *_ in described}
    fields = [queries.named(_field(name, data_type), name) for name, data_type in types.items()]
    condition = queries.changes(request, table, types, _TIMES)
    return queries.statement(request, rows, DIALECT, fields, condition)


def _field(name: str, data_type: str) -> exp.Expr:
    if data_type == "BLOB":
        return queries.as_hex(name)
    kept = _AS_THEY_ARE.match(data_type)
    return queries.column(name) if kept else queries.as_text(name)


def _refusal(request: Request, error: duckdb.Error) -> DeliveryRefused:
    said = str(error)
    if "Could not set lock" in said:
        # Another process writes to the file; it may be done in a while.
        return refusals.unreachable(request, "another process writes to its file")
    if isinstance(error, duckdb.CatalogException) and "Table with name" in said:
        return refusals.missing(request)
    return refusals.failed(request, type(error).__name__)
