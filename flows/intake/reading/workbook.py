"""Excel workbooks: the rows of one sheet, as text, by way of a Parquet file in the spill."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from flows.contracts.contract import Contract
from flows.errors import FileBroken
from flows.intake.landing import Landed
from flows.intake.reading import columnar
from flows.intake.reading.delivery import Delivery
from flows.intake.reading.sheet_errors import errors_in
from flows.intake.sources.request import sent_as

ROWS_AT_ONCE = 50_000


def read(
    connection: duckdb.DuckDBPyConnection, contract: Contract, landed: Landed, spill: Path
) -> Delivery:
    """Return the rows of workbooks.

    Raises:
        FileBroken: when a file is no workbook, or has no such sheet.
        ColumnsDiffer: when the columns are not those of the contract.
    """
    parts = []
    for number, part in enumerate(landed.parts):
        # Under its own name: that is what a person is told.
        target = spill / f"sheet-{number}" / part.name
        target.parent.mkdir(exist_ok=True)
        convert(contract.owner, contract.names, landed, part, target)
        parts.append(target)
    told = landed.form.model_copy(update={"as_text": True})
    return columnar.read(connection, contract, replace(landed, parts=tuple(parts), form=told))


def convert(owner: str, agreed: Sequence[str], landed: Landed, part: Path, target: Path) -> None:
    """Write the rows of one workbook's sheet as text into a Parquet file.

    Raises:
        FileBroken: when the file is no workbook, or has no such sheet.
    """
    form = landed.form
    try:
        book = CalamineWorkbook.from_path(str(part))
        name = form.sheet or book.sheet_names[0]
        sheet = book.get_sheet_by_name(name)
        rows = _filled(sheet, errors_in(part, name))
    except (CalamineError, IndexError, OSError, KeyError, BadZipFile, ParseError):
        named = f" with a sheet '{form.sheet}'" if form.sheet else ""
        raise FileBroken(
            f"{sent_as(part)} is no Excel workbook{named}. Ask {owner} to send it again."
        ) from None
    names = list(agreed)
    if form.header:
        names = [_text(cell) or "" for cell in next(rows, [])] or names
    elif sheet.height and sheet.width != len(names):
        raise FileBroken(
            f"{sent_as(part)} has no header and {sheet.width} columns, its contract has "
            f"{len(names)}. Ask {owner} which columns were sent."
        )
    schema = pa.schema([(name, pa.string()) for name in names])
    with pq.ParquetWriter(target, schema) as writer:
        while chunk := list(itertools.islice(rows, ROWS_AT_ONCE)):
            cells = [[_text(cell) for cell in column] for column in zip(*chunk, strict=True)]
            writer.write_table(pa.table(cells, schema=schema))


def _filled(sheet: CalamineSheet, errors: Mapping[tuple[int, int], str]) -> Iterator[list[Any]]:
    # Above and below a table stand rows that somebody once touched and emptied.
    left = sheet.start[1] if sheet.start else 0
    for number, row in enumerate(sheet.iter_rows()):
        cells = row
        if errors:
            cells = [errors.get((number, left + place), cell) for place, cell in enumerate(row)]
        if any(cell != "" for cell in cells):
            yield cells


def _text(cell: Any) -> str | None:
    # Texts and numbers first: nearly every cell is one of them.
    if isinstance(cell, str):
        return cell or None
    if isinstance(cell, float):
        # A workbook has one kind of number: 17 is kept as 17.0.
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if cell is None:
        return None
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ")
    return cell.isoformat() if isinstance(cell, dt.date | dt.time) else str(cell)
