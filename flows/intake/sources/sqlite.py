"""A table of a SQLite file, by ADBC, every value as the text that SQLite makes of it.

A column of SQLite holds values of any type, whatever was declared: the driver would guess from
the first rows, and fail in the middle of the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import adbc_driver_sqlite.dbapi as driver
import pyarrow as pa
from adbc_driver_manager import Error
from sqlglot import exp

from flows.errors import DeliveryRefused
from flows.intake.sources import adbc, parquet, queries, refusals
from flows.intake.sources.addresses import file_of
from flows.intake.sources.declared import Database, QueryTable
from flows.intake.sources.request import Arrived, Request

DIALECT = "sqlite"
BATCH_ROWS = 20_000


def fetch(source: Database, request: Request) -> Arrived:
    """Read one table in one statement, the file opened read-only.

    Raises:
        SourceUnreachable, TableMissing, FileBroken, ColumnsDiffer, ContractWrong: each with what
            to do next.
    """
    table = source.tables[request.table]
    rows = queries.rows_of(request, table, DIALECT)
    uri = f"{file_of(source, request).absolute().as_uri()}?mode=ro"
    try:
        with (
            parquet.whole(request) as path,
            driver.connect(uri) as connection,
            connection.cursor(
                adbc_stmt_kwargs={"adbc.sqlite.query.batch_rows": BATCH_ROWS}
            ) as cursor,
        ):
            reader = adbc.stream(cursor, _statement(cursor, table, request, rows))
            parquet.write(path, request, reader.schema, _without_first(reader))
    except Error as error:
        raise _refusal(request, str(error)) from None
    return parquet.arrived(request)


def _without_first(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for number, batch in enumerate(batches):
        yield batch if number else batch.slice(1)


def _statement(cursor: Any, table: QueryTable, request: Request, rows: exp.Select) -> str:
    names = adbc.stream(cursor, rows.limit(0).sql(DIALECT)).schema.names
    condition = queries.changes(request, table, dict.fromkeys(names, "any"), {"any": "text"})
    if table.changed_since is not None:
        _prove_text(cursor, table.changed_since, request, rows)
    fields = [queries.named(_as_text(name), name) for name in names]
    wanted = queries.statement(request, rows, DIALECT, fields, condition)
    # A row of texts goes before all others: in a column that begins with nulls the driver would
    # see numbers, and fail at the first text.
    texts = ", ".join(queries.named(exp.Literal.string(""), name).sql(DIALECT) for name in names)
    return f"select {texts} union all select * from ({wanted})"


def _prove_text(cursor: Any, name: str, request: Request, rows: exp.Select) -> None:
    # To SQLite any number is less than any text: seconds since 1970 would never be asked for.
    other = _type_of(name).isin("text", "null").not_()
    cursor.execute(rows.select("1", append=False).where(other).limit(1).sql(DIALECT))
    if cursor.fetchall():
        raise refusals.no_time(request, name)


def _as_text(name: str) -> exp.Expr:
    is_bytes = _type_of(name).eq("blob")
    return exp.Case().when(is_bytes, queries.as_hex(name)).else_(queries.as_text(name))


def _type_of(name: str) -> exp.Expr:
    return exp.Anonymous(this="typeof", expressions=[queries.column(name)])


def _refusal(request: Request, said: str) -> DeliveryRefused:
    # ADBC keeps no code of SQLite's, and SQLite speaks English only.
    if "is locked" in said or "is busy" in said:
        return refusals.unreachable(request)
    return refusals.missing(request) if "no such table" in said else refusals.failed(request)
