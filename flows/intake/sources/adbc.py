"""What PostgreSQL and SQLite have in common: their rows come as Arrow, through ADBC."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

# The reader that the cursor itself hands out loses the SQLSTATE of an error half-way through.
from adbc_driver_manager._reader import AdbcRecordBatchReader


def stream(cursor: Any, statement: str) -> pa.RecordBatchReader:
    """Run a statement and return its rows as they come.

    Raises:
        adbc_driver_manager.Error: here and from the reader, with the SQLSTATE where there is one.
    """
    cursor.execute(statement)
    handle = cursor.fetch_arrow()
    return AdbcRecordBatchReader._import_from_c(handle.address)
