"""A table of a client's Snowflake, by its own connector, batch after batch of Arrow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc
from snowflake import connector
from snowflake.connector.constants import FIELD_ID_TO_NAME
from sqlglot import exp

from flows.errors import DeliveryRefused, SettingsWrong
from flows.intake.sources import parquet, queries, refusals
from flows.intake.sources.declared import Snowflake, resolve
from flows.intake.sources.queries import Kind
from flows.intake.sources.request import Arrived, Request

DIALECT = "snowflake"
LOGIN_SECONDS = 60
_TIMES: dict[str, Kind] = {
    "DATE": "date",
    "TIMESTAMP_NTZ": "timestamp",
    "TIMESTAMP_LTZ": "timestamptz",
    "TIMESTAMP_TZ": "timestamptz",
    "TEXT": "text",
}
_NO_WAREHOUSE = 606


def fetch(source: Snowflake, request: Request) -> Arrived:
    """Read one table in one statement.

    Raises:
        SourceUnreachable, AccessRefused, TableMissing, FileBroken, ColumnsDiffer, ContractWrong:
            each with what to do next.
        SettingsWrong: when the key file is not there.
    """
    rows = queries.rows_of(request, source.tables[request.table], DIALECT)
    arguments = _arguments(source, request)
    try:
        with (
            parquet.whole(request) as path,
            connector.connect(**arguments) as connection,
            connection.cursor() as cursor,
        ):
            statement, schema = _statement(cursor, source, request, rows)
            cursor.execute(statement)
            parquet.write(path, request, schema, _batches(cursor, schema))
    except connector.Error as error:
        raise _refusal(request, error) from None
    return parquet.arrived(request)


def _arguments(source: Snowflake, request: Request) -> dict[str, Any]:
    named = {
        "account": source.account,
        "user": source.user,
        "password": source.password,
        "private_key_file": source.private_key,
        "private_key_file_pwd": source.private_key_password,
        "role": source.role,
        "warehouse": source.warehouse,
        "database": source.database,
    }
    given = {
        name: resolve(text, request.instance, request.source)
        for name, text in named.items()
        if text is not None
    }
    if "private_key_file" in given and not Path(given["private_key_file"]).is_file():
        raise SettingsWrong(
            f"The key file that sources/{request.source}.yml names is not there: put it in its "
            f"place, {request.again}"
        )
    return given | _endpoint(source, request) | _session(source)


def _endpoint(source: Snowflake, request: Request) -> dict[str, Any]:
    if source.endpoint is None:
        return {}
    address = urlsplit(resolve(source.endpoint, request.instance, request.source))
    port = address.port or (443 if address.scheme == "https" else 80)
    return {"protocol": address.scheme, "host": address.hostname, "port": port}


def _session(source: Snowflake) -> dict[str, Any]:
    return {
        "login_timeout": min(LOGIN_SECONDS, source.timeout_seconds),
        "network_timeout": source.timeout_seconds,
        # Else a number with decimals comes as a floating one.
        "arrow_number_to_decimal": True,
        "session_parameters": {
            "TIMEZONE": "UTC",
            "STATEMENT_TIMEOUT_IN_SECONDS": source.timeout_seconds,
            "CLIENT_OUT_OF_BAND_TELEMETRY_ENABLED": False,
        },
    }


def _statement(
    cursor: Any, source: Snowflake, request: Request, rows: exp.Select
) -> tuple[str, pa.Schema]:
    described = cursor.describe(rows.sql(DIALECT))
    types = {column.name: FIELD_ID_TO_NAME[column.type_code] for column in described}
    table = source.tables[request.table]
    if table.changed_since is not None:
        folded = queries.folded(table.changed_since, DIALECT)
        table = table.model_copy(update={"changed_since": folded})
    condition = queries.changes(request, table, types, _TIMES)
    fields = [queries.named(queries.column(name), name) for name in types]
    schema = pa.schema([(_ours(c.name), _arrow(types[c.name], c.scale)) for c in described])
    return queries.statement(request, rows, DIALECT, fields, condition), schema


def _ours(name: str) -> str:
    # A name of capitals only is one that was written without quotes.
    return name.lower() if name == name.upper() else name


def _arrow(data_type: str, scale: int | None) -> pa.DataType:
    known = {"REAL": pa.float64(), "BOOLEAN": pa.bool_(), "DATE": pa.date32()}
    if data_type == "FIXED":
        return pa.decimal128(38, scale or 0)
    return known.get(data_type, pa.string())


def _batches(cursor: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for table in cursor.fetch_arrow_batches():
        # Each batch has the smallest types that hold its own rows.
        columns = [
            _cast(column, field.type) for column, field in zip(table.columns, schema, strict=True)
        ]
        yield from pa.table(columns, schema=schema).to_batches()


def _cast(column: pa.ChunkedArray, data_type: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_string(data_type):
        if pa.types.is_timestamp(column.type):
            return _time_as_text(column)
        if pa.types.is_time64(column.type):
            return _without_zeros(column.cast(pa.string()))
        if pa.types.is_binary(column.type):
            return pc.binary_join_element_wise("\\x", _hex(column), "")
    return column.cast(data_type)


def _hex(column: pa.ChunkedArray) -> pa.Array:
    return pa.array([None if v is None else v.hex() for v in column.to_pylist()], pa.string())


def _time_as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    # As text, for a batch comes in nanoseconds or, with the year 9999 in it, in microseconds.
    unit, zone = column.type.unit, column.type.tz
    moment = column.cast(pa.timestamp(unit, "UTC")).cast(pa.timestamp(unit)) if zone else column
    text = moment.cast(pa.string())
    text = text if unit == "s" else _without_zeros(text)
    return pc.binary_join_element_wise(text, "+00", "") if zone else text


def _without_zeros(text: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.utf8_rtrim(pc.utf8_rtrim(text, "0"), ".")


def _refusal(request: Request, error: connector.Error) -> DeliveryRefused:
    state = error.sqlstate if error.sqlstate not in (None, "n/a") else None
    code = state or error.errno
    forbidden = isinstance(error, connector.errors.ForbiddenError)
    if error.errno == _NO_WAREHOUSE or forbidden:
        return refusals.refused(request, code)
    if isinstance(error, connector.errors.OperationalError | connector.errors.InterfaceError):
        return refusals.unreachable(request, code)
    return refusals.by_sqlstate(request, state)
