"""A table of a client's database, extracted to a landed Parquet file, every value as text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from flows.contracts.contract import Contract
from flows.errors import ColumnsDiffer, FileBroken, TableMissing
from flows.intake.landing import Landed, arrive, keep
from flows.intake.reading import compare_columns
from flows.settings import Instance

ROWS_AT_ONCE = 50_000


def extract(
    instance: Instance, contract: Contract, day: dt.date, earliest: dt.date | None
) -> Landed:
    """Extract the rows changed up to the end of a business date, from `earliest` on if given.

    Raises:
        TableMissing: when there is no such database or table.
        FileBroken: when the database does not answer.
        ColumnsDiffer: when its columns are not those of the contract.
    """
    arriving = arrive(instance, contract, day)
    engine = _engine(instance, contract, day)
    try:
        with engine.connect() as connection:
            result = connection.execution_options(stream_results=True).execute(
                _changed(contract, day, earliest)
            )
            compare_columns(contract, result.keys(), f"the table {contract.relation}")
            _write(arriving, contract.names, result)
    except ColumnsDiffer as differ:
        sentence = f"{contract.table} for {day}: {differ} Then run: scv run {day}"
        raise ColumnsDiffer(sentence) from None
    except sa.exc.SQLAlchemyError as error:
        raise FileBroken(
            f"{contract.table} for {day}: the database does not answer "
            f"({type(error).__name__}). Ask {contract.owner}, then run: scv run {day}"
        ) from None
    finally:
        engine.dispose()
    return keep(arriving, f"{contract.table}.parquet")


def _engine(instance: Instance, contract: Contract, day: dt.date) -> sa.Engine:
    url = sa.make_url(contract.location.format(deliveries=instance.deliveries))
    absent = url.drivername == "sqlite" and not Path(url.database or "").is_file()
    engine = sa.create_engine(url)
    if absent or not sa.inspect(engine).has_table(contract.relation or ""):
        raise TableMissing(
            f"{contract.table} for {day} is not here: there is no table {contract.relation} in "
            f"{url.database}. Ask {contract.owner}, then run: scv run {day}"
        )
    return engine


def _changed(contract: Contract, day: dt.date, earliest: dt.date | None) -> sa.Select[Any]:
    relation = sa.table(contract.relation or "")
    query = sa.select(sa.text("*")).select_from(relation)
    if contract.changed_since:
        changed: sa.ColumnClause[str] = sa.column(contract.changed_since)
        query = query.where(changed < (day + dt.timedelta(days=1)).isoformat()).order_by(changed)
        query = query.where(changed >= earliest.isoformat()) if earliest else query
    return query


def _write(path: Path, names: list[str], result: sa.CursorResult[Any]) -> None:
    schema = pa.schema([(name, pa.string()) for name in names])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for rows in _chunks(result):
            columns = {
                name: [None if row[name] is None else str(row[name]) for row in rows]
                for name in names
            }
            writer.write_table(pa.table(columns, schema=schema))


def _chunks(result: sa.CursorResult[Any]) -> Iterator[list[Any]]:
    mappings = result.mappings()
    while rows := mappings.fetchmany(ROWS_AT_ONCE):
        yield list(rows)
