"""Batches of a source as one Parquet file, which is whole or is not there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from flows.intake.sources import refusals
from flows.intake.sources.declared import Form
from flows.intake.sources.request import Arrived, Request

ROW_GROUP = 122_880


@contextmanager
def whole(request: Request) -> Iterator[Path]:
    """Give the hidden path to write to; it gets its name once the block ends without an error."""
    request.folder.mkdir(parents=True, exist_ok=True)
    hidden = request.folder / f".{request.table}.parquet"
    try:
        yield hidden
        hidden.replace(_named(request))
    finally:
        hidden.unlink(missing_ok=True)


def arrived(request: Request) -> Arrived:
    """Return the file that `whole` left. A value that Arrow has no type for is in it as text."""
    return Arrived((_named(request),), Form(format="parquet", as_text=True))


def write(
    path: Path, request: Request, schema: pa.Schema, batches: Iterable[pa.RecordBatch]
) -> None:
    """Write batches of one schema, a row group of them in memory at a time.

    Raises:
        FileBroken: when a text is not UTF-8.
    """
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for table in _row_groups(schema, batches):
            try:
                table.validate(full=True)
            except pa.ArrowInvalid:
                raise refusals.not_text(request) from None
            writer.write_table(table, row_group_size=ROW_GROUP)


def _row_groups(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        if rows >= ROW_GROUP:
            table = pa.Table.from_batches(held, schema)
            even = rows - rows % ROW_GROUP
            yield table.slice(0, even)
            held, rows = table.slice(even).to_batches(), rows - even
    if rows:
        yield pa.Table.from_batches(held, schema)


def _named(request: Request) -> Path:
    return request.folder / f"{request.table}.parquet"
