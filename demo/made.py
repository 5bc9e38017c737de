"""The made-up tables that are files: their rows of a period, one object a line or CSV."""

import csv
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, TextIO

from demo.source import Period


@dataclass(frozen=True)
class Made:
    """A made-up table: its file, its rows in the order of their time, and the column of that time.

    Each row is a dataclass whose fields are the columns; a row is delivered on the (UTC) date of
    the column `row_time`. A file is JSON lines or CSV, gzipped or not, by its suffix. Where there
    may be no rows at all, `kind` says their columns.
    """

    table: str
    file: str
    rows: Sequence[object]
    row_time: str
    kind: type[object] | None = None


def write_made(made: Made, period: Period, path: Path) -> int:
    """Write the rows of `period` to `path` as UTF-8 with Unix line ends; return their number."""
    rows = [row for row in made.rows if period.first <= _date(row, made.row_time) <= period.last]
    with path.open("wb") as bytes_out, _as_text(bytes_out, made.file) as file:
        if made.file.removesuffix(".gz").endswith(".csv"):
            _write_csv(made, rows, file)
        else:
            file.writelines(json.dumps(_told(row)) + "\n" for row in rows)
    return len(rows)


def _as_text(file: BinaryIO, name: str) -> TextIO:
    # Neither a name nor a time inside: the same rows give the same bytes.
    packed = gzip.GzipFile("", "wb", 6, file, mtime=0) if name.endswith(".gz") else file
    return TextIOWrapper(packed, encoding="utf-8", newline="\n")


def _write_csv(made: Made, rows: Sequence[object], file: TextIO) -> None:
    kind = made.kind or type(made.rows[0])
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    writer = csv.DictWriter(file, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_told(row) for row in rows)


def _told(row: object) -> dict[str, object]:
    """Return the row by column; instants are UTC, `YYYY-MM-DDTHH:MM:SSZ`."""
    return {name: _stored(value) for name, value in vars(row).items()}


def _stored(value: object) -> object:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
    return value.isoformat() if isinstance(value, date) else value


def _date(row: object, column: str) -> date:
    value: date = getattr(row, column)
    return value.date() if isinstance(value, datetime) else value
