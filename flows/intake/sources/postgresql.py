"""A table of a PostgreSQL database, by ADBC: binary COPY into Arrow.

Only the types that ADBC carries without a change come as themselves; the server writes the rest
as text. Dates and times are among them, for ADBC turns `infinity` into a day like another.
"""

from __future__ import annotations

import re
from typing import Any

import adbc_driver_postgresql.dbapi as driver
import pyarrow as pa
from adbc_driver_manager import Error
from sqlglot import exp

from flows.errors import DeliveryRefused
from flows.intake.sources import adbc, parquet, queries, refusals
from flows.intake.sources.addresses import address_of
from flows.intake.sources.declared import Database
from flows.intake.sources.queries import Kind
from flows.intake.sources.request import Arrived, Request

DIALECT = "postgres"
_AS_THEY_ARE = frozenset(
    ["int2", "int4", "int8", "float4", "float8", "bool", "text", "varchar", "bpchar", "name"]
)
_TIMES: dict[str, Kind] = {
    "date": "date",
    "timestamp": "timestamp",
    "timestamptz": "timestamptz",
    "text": "text",
    "varchar": "text",
    "bpchar": "text",
}
# A server that is gone for a while is noticed by these, and not after two hours.
_PATIENCE = {
    "connect_timeout": "30",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}
# The text of a value depends on them, and a role or a database may set them otherwise.
_SETTINGS = {
    "timezone": "'UTC'",
    "datestyle": "'ISO, YMD'",
    "intervalstyle": "'postgres'",
    "bytea_output": "'hex'",
    "extra_float_digits": "1",
}
# libpq gives no SQLSTATE when it cannot connect, only the server's sentence.
_NO_DATABASE = re.compile(r'database ".*" does not exist')
_NO_ENTRY = re.compile(
    r'authentication failed|role ".*" does not exist|not permitted to log in|no pg_hba\.conf entry'
    r"|no password supplied|permission denied"
)


def fetch(source: Database, request: Request) -> Arrived:
    """Read one table in one statement of a read-only transaction.

    Raises:
        SourceUnreachable, AccessRefused, TableMissing, FileBroken, ColumnsDiffer, ContractWrong:
            each with what to do next.
    """
    rows = queries.rows_of(request, source.tables[request.table], DIALECT)
    try:
        with (
            parquet.whole(request) as path,
            _connect(source, request) as connection,
            connection.cursor() as cursor,
        ):
            reader = adbc.stream(cursor, _statement(cursor, source, request, rows))
            parquet.write(path, request, reader.schema, reader)
    except Error as error:
        raise refusals.by_sqlstate(request, error.sqlstate) from None
    return parquet.arrived(request)


def _connect(source: Database, request: Request) -> Any:
    url = address_of(source, request).set(drivername="postgresql")
    patient = url.set(query={**_PATIENCE, **url.query})
    try:
        return driver.connect(patient.render_as_string(hide_password=False))
    except Error as error:
        raise _no_connection(request, str(error)) from None


def _no_connection(request: Request, said: str) -> DeliveryRefused:
    if _NO_DATABASE.search(said):
        return refusals.missing(request)
    return refusals.refused(request) if _NO_ENTRY.search(said) else refusals.unreachable(request)


def _statement(cursor: Any, source: Database, request: Request, rows: exp.Select) -> str:
    cursor.execute("set transaction read only")
    cursor.execute(f"set local statement_timeout = '{source.timeout_seconds}s'")
    for name, value in _SETTINGS.items():
        cursor.execute(f"set local {name} = {value}")
    types = _types(cursor.adbc_execute_schema(rows.sql(DIALECT)))
    fields = [
        queries.column(name)
        if data_type in _AS_THEY_ARE
        else queries.named(queries.as_text(name), name)
        for name, data_type in types.items()
    ]
    condition = queries.changes(request, source.tables[request.table], types, _TIMES)
    return queries.statement(request, rows, DIALECT, fields, condition)


def _types(schema: pa.Schema) -> dict[str, str]:
    return {field.name: field.metadata[b"POSTGRESQL:type"].decode() for field in schema}
