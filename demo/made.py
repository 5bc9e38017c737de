"""The made-up tables that are files: their rows of a period, one object a line or CSV."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from pathlib import Path
from typing import TextIO

from demo.source import Period


@dataclass(frozen=True)
class Made:
    """A made-up table: its file, its rows in the order of their time, and the column of that time.

    Each row is a dataclass whose fields are the columns; a row is delivered on the (UTC) date of
    the column `row_time`. A file is JSON lines or CSV, by its suffix.
    """

    table: str
    file: str
    rows: Sequence[object]
    row_time: str


def write_made(made: Made, period: Period, path: Path) -> int:
    """Write the rows of `period` to `path` as UTF-8 with Unix line ends; return their number."""
    rows = [row for row in made.rows if period.first <= _date(row, made.row_time) <= period.last]
    with path.open("w", encoding="utf-8", newline="\n") as file:
        if made.file.endswith(".csv"):
            _write_csv(made, rows, file)
        else:
            file.writelines(json.dumps(_told(row)) + "\n" for row in rows)
    return len(rows)


def _write_csv(made: Made, rows: Sequence[object], file: TextIO) -> None:
    names = [field.name for field in fields(type(made.rows[0]))]  # type: ignore[arg-type]
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
