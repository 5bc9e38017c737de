"""Which reader reads which format, and what its errors say."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb

from flows.contracts.contract import Contract
from flows.errors import ColumnsDiffer, FileBroken
from flows.intake.landing import Landed
from flows.intake.reading import columnar, documents, separated
from flows.intake.reading.delivery import Delivery
from flows.intake.sources.request import sent_as


def read(
    connection: duckdb.DuckDBPyConnection, contract: Contract, landed: Landed, spill: Path
) -> Delivery:
    """Return a landed delivery as rows that DuckDB can scan.

    Raises:
        ColumnsDiffer: when its columns are not those of the contract.
        FileBroken: when it cannot be read as what its source says it is.
    """
    match landed.form.format:
        case "csv":
            return separated.read(connection, contract, landed)
        case "jsonl":
            return documents.read_lines(connection, contract, landed)
        case "json":
            return documents.read_arrays(connection, contract, landed, spill)
        case "parquet":
            return columnar.read(connection, contract, landed)
        case "excel":
            from flows.intake.reading import workbook

            return workbook.read(connection, contract, landed, spill)


def told(
    contract: Contract, landed: Landed, day: dt.date, error: Exception
) -> ColumnsDiffer | FileBroken:
    """Return what a person is told of a file that could not be read, and for which date."""
    if isinstance(error, ColumnsDiffer | FileBroken):
        # What is wrong is known below; which date it is, and what to do next, here.
        sentence = f"{contract.table} for {day}: {error} Then run: scv run {day}"
        return type(error)(sentence)
    # The first words only: what follows may quote a row.
    reason = str(error).splitlines()[0].split(":")[0]
    return FileBroken(
        f"{contract.table} for {day}: {sent_as(landed.parts[0])} cannot be read as "
        f"{landed.form.format} ({reason}). Ask {contract.owner} to send it again. "
        f"Then run: scv run {day}"
    )
