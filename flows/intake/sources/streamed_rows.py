"""A table of any other database, MariaDB and MySQL first: streamed by SQLAlchemy, as text.

The rows of MariaDB come as the server writes them, before the driver makes Python of them: a
decimal keeps its digits, and a date of zeros stays one. Only a `float` is asked for as a double
and kept as a float, for the server would write no more than six of its digits.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from pymysql.constants import FIELD_TYPE
from pymysql.converters import encoders
from sqlglot import exp

from flows.errors import DeliveryRefused
from flows.intake.sources import parquet, queries, refusals
from flows.intake.sources.addresses import address_of
from flows.intake.sources.declared import Database
from flows.intake.sources.queries import Kind
from flows.intake.sources.request import Arrived, Request
from flows.intake.sources.selects import dialect_of

ROWS_AT_ONCE = 50_000
_TEXTS = (FIELD_TYPE.VARCHAR, FIELD_TYPE.VAR_STRING, FIELD_TYPE.STRING, FIELD_TYPE.BLOB)
_TIMES: dict[Any, Kind] = {
    FIELD_TYPE.DATE: "date",
    FIELD_TYPE.NEWDATE: "date",
    FIELD_TYPE.DATETIME: "timestamp",
    FIELD_TYPE.TIMESTAMP: "timestamp",
    **dict.fromkeys(_TEXTS, "text"),
}
_MISSING = {1049, 1146}
_REFUSED = {1044, 1045, 1130, 1142, 1143, 1227, 1370, 1698}
# Gone, too busy, stopped by an operator or a timeout, waited for a lock, no whole answer.
_GONE = {1040, 1053, 1129, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1226, 1317, 1927, 1969}
_GONE |= {2002, 2003, 2005, 2006, 2013, 2014, 2027, 2055, 3024, 0}


def fetch(source: Database, request: Request) -> Arrived:
    """Read one table in one statement, in a read-only transaction where the server knows one.

    Raises:
        SourceUnreachable, AccessRefused, TableMissing, FileBroken, ColumnsDiffer, ContractWrong:
            each with what to do next.
    """
    try:
        with parquet.whole(request) as path, _connected(source, request) as connection:
            statement, schema = _statement(connection, source, request)
            result = _run(connection, statement)
            parquet.write(path, request, schema, _batches(result, schema))
    except sa.exc.SQLAlchemyError as error:
        raise _refusal(request, error) from None
    return parquet.arrived(request)


@contextmanager
def _connected(source: Database, request: Request) -> Iterator[sa.Connection]:
    url = address_of(source, request)
    is_mysql = dialect_of(url.drivername) == "mysql"
    arguments: dict[str, Any] = {}
    if url.drivername.endswith("+pymysql"):
        patience = {"connect_timeout": 30, "read_timeout": source.timeout_seconds}
        # As bytes: the driver takes the text of a password for Latin-1, the server for UTF-8.
        password = (url.password or "").encode()
        arguments = {"conv": dict(encoders), "password": password, **patience}
    engine = sa.create_engine(url, connect_args=arguments, poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        for setting in _settings(connection, source) if is_mysql else ():
            connection.exec_driver_sql(setting)
        connection.rollback()
        line = connection.connection.driver_connection
        try:
            yield connection
        except BaseException:
            _hang_up(line)
            connection.invalidate()
            raise


def _hang_up(line: Any) -> None:
    # Else the driver reads the rest of the rows when it is tidied up, or complains that it cannot.
    result = getattr(line, "_result", None)
    if result is not None:
        result.unbuffered_active = False


def _settings(connection: sa.Connection, source: Database) -> list[str]:
    limit = f"max_statement_time = {source.timeout_seconds}"
    if not getattr(connection.dialect, "is_mariadb", False):
        limit = f"max_execution_time = {source.timeout_seconds * 1000}"
    return [
        "set session transaction read only",
        "set session time_zone = '+00:00'",
        f"set session {limit}",
    ]


def _run(connection: sa.Connection, statement: str) -> sa.CursorResult[Any]:
    # Without parameters, or the driver takes a per cent sign of the query for one.
    return connection.execution_options(
        stream_results=True, max_row_buffer=ROWS_AT_ONCE, no_parameters=True
    ).exec_driver_sql(statement)


def _statement(
    connection: sa.Connection, source: Database, request: Request
) -> tuple[str, pa.Schema]:
    table = source.tables[request.table]
    dialect = dialect_of(connection.dialect.name)
    rows = queries.rows_of(request, table, dialect)
    types = _types(connection, rows.limit(0).sql(dialect))
    ours = connection.dialect.driver == "pymysql"
    # Another driver's codes are its own: the words of a date are as good a literal for all.
    times: Mapping[Any, Kind] = _TIMES if ours else dict.fromkeys(types.values(), "date")
    condition = queries.changes(request, table, types, times)
    floats = {name for name, code in types.items() if ours and code == FIELD_TYPE.FLOAT}
    fields = [_field(name, name in floats) for name in types]
    schema = pa.schema([(name, pa.float32() if name in floats else pa.string()) for name in types])
    return queries.statement(request, rows, dialect, fields, condition), schema


def _types(connection: sa.Connection, statement: str) -> dict[str, Any]:
    with _run(connection, statement) as result:
        return {str(name): code for name, code, *_ in result.cursor.description}


def _field(name: str, is_float: bool) -> exp.Expr:
    column = queries.column(name)
    return queries.named(exp.cast(column, "double"), name) if is_float else column


def _batches(result: sa.CursorResult[Any], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    bits = [code == FIELD_TYPE.BIT for _, code, *_ in result.cursor.description]
    for rows in result.partitions(ROWS_AT_ONCE):
        columns = zip(zip(*rows, strict=True), schema, bits, strict=True)
        arrays = [_array(values, field.type, bit) for values, field, bit in columns]
        yield pa.record_batch(arrays, schema=schema)


def _array(values: Sequence[Any], data_type: pa.DataType, is_bit: bool) -> pa.Array:
    if data_type == pa.float32():
        return pa.array([None if v is None else float(v) for v in values], data_type)
    if is_bit:
        values = [None if v is None else int.from_bytes(v) for v in values]
    if not {type(value) for value in values} <= {str, type(None)}:
        values = [None if value is None else as_text(value) for value in values]
    return pa.array(values, data_type)


def as_text(value: Any) -> str:
    """Return the text of a value of a driver: one form of each type, whatever the database."""
    match value:
        case bytes() | bytearray() | memoryview():
            return "\\x" + bytes(value).hex()
        case bool():
            return str(value).lower()
        case Decimal():
            return format(value, "f")
        case dt.datetime(tzinfo=dt.tzinfo()):
            return value.astimezone(dt.UTC).isoformat(sep=" ")
        case dict() | list():
            return json.dumps(value, ensure_ascii=False)
    return str(value)


def _refusal(request: Request, error: sa.exc.SQLAlchemyError) -> DeliveryRefused:
    said = getattr(getattr(error, "orig", None), "args", ())
    code = said[0] if said and isinstance(said[0], int) else None
    if code is None:
        gone = isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError)
        return refusals.unreachable(request) if gone else refusals.failed(request)
    for codes, refusal in ((_GONE, refusals.unreachable), (_REFUSED, refusals.refused)):
        if code in codes:
            return refusal(request, code)
    return refusals.missing(request, code) if code in _MISSING else refusals.failed(request, code)
