"""Rows that were set aside: what they are, why, and as a file for a person to correct."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import duckdb
import sqlalchemy as sa

from flows.contracts.contract import Contract
from flows.errors import CorrectionRefused
from flows.intake import history
from flows.intake.casting import file
from flows.ledger import Ledger, Row, deliveries
from flows.settings import Instance

VERSION, ROW, REASON = "quarantine_version", "quarantine_row", "quarantine_reason"
TEXT = "quarantine_text"
# What a spreadsheet would run stands behind an apostrophe in a file that a person opens.
_FORMULA = re.compile(r"[=@\t\r]|[+-].*[(|!]", re.DOTALL)

Values = dict[str, str | None]


@dataclass(frozen=True)
class Aside:
    """The rows of one delivery that are set aside for one reason."""

    table: str
    business_date: dt.date
    version: int
    reason: str
    rows: int
    taken: bool


@dataclass(frozen=True)
class Desk:
    """The quarantine of one table and date, as it stands after its newest version."""

    instance: Instance
    ledger: Ledger
    contract: Contract
    day: dt.date

    @property
    def delivery(self) -> Row:
        """The newest delivery with rows set aside, accepted or refused.

        Raises:
            CorrectionRefused: when there is none.
        """
        found = [row for row in open_deliveries(self.ledger) if self._is_mine(row)]
        if not found:
            raise CorrectionRefused(
                f"{self.contract.table} for {self.day} has no rows set aside. "
                "See what there is: scv quarantine"
            )
        return max(found, key=lambda row: row["version"])

    @property
    def held(self) -> Row:
        """The newest accepted delivery with rows set aside: those can be let in.

        Raises:
            CorrectionRefused: when there is none to release or correct rows of.
        """
        found = history.held(self.ledger, self.contract.table, self.day)
        if found is None or not found["rows_quarantined"]:
            raise CorrectionRefused(
                f"{self.contract.table} for {self.day} has no accepted delivery with rows set "
                "aside. See what there is: scv quarantine"
            )
        return found

    def _is_mine(self, row: Row) -> bool:
        return bool(row["table_name"] == self.contract.table and row["business_date"] == self.day)


def open_deliveries(ledger: Ledger) -> list[Row]:
    """Return the deliveries whose rows are set aside now, newest date first.

    Of each table and date the newest with a batch, and what was sent and refused after it.
    """
    held: dict[tuple[str, dt.date], Row] = {}
    refused: dict[tuple[str, dt.date], Row] = {}
    query = sa.select(deliveries).where(deliveries.c.state.not_in(["withdrawn", "late"]))
    for row in ledger.rows(query.order_by(deliveries.c.version)):
        key = row["table_name"], row["business_date"]
        if row["state"] in history.HELD:
            held[key] = row
            refused.pop(key, None)
        else:
            refused[key] = row
    found = [row for row in (*held.values(), *refused.values()) if row["quarantine_path"]]
    return sorted(found, key=lambda row: (row["business_date"], row["table_name"]), reverse=True)


def overview(ledger: Ledger) -> list[Aside]:
    """Return what is set aside now by table, date and reason, newest date first."""
    return [aside for row in open_deliveries(ledger) for aside in _reasons(row)]


def _reasons(row: Row) -> Iterator[Aside]:
    with duckdb.connect() as connection:
        found = connection.execute(
            f"select reason, count(*) from read_parquet({file(row['quarantine_path'])}) "
            "group by 1 order by 2 desc, 1"
        ).fetchall()
    for reason, count in found:
        named = row["table_name"], row["business_date"], row["version"]
        yield Aside(*named, str(reason), int(count), row["state"] in history.HELD)


def rows_set_aside(delivery: Row) -> list[tuple[int, str, str]]:
    """Return number, text and reason of each row of a delivery that is set aside."""
    with duckdb.connect() as connection:
        found = connection.execute(
            "select file_row_number + 1, row_text, reason from "
            f"read_parquet({file(delivery['quarantine_path'])}, file_row_number = true) order by 1"
        ).fetchall()
    return [(int(number), str(text), str(reason)) for number, text, reason in found]


@contextmanager
def _private(path: Path) -> Iterator[TextIO]:
    # Customers' rows: for whoever asked, and nobody else on the machine.
    try:
        path.touch(mode=0o600)
        with path.open("w", newline="", encoding="utf-8") as file:
            yield file
    except OSError as error:
        raise CorrectionRefused(f"{path} cannot be written: {error.strerror}.") from None


def export(desk: Desk, path: Path) -> int:
    """Write the rows that are set aside as a CSV for a person to correct; return how many.

    Each row has its version, number and reason, then the contract's columns. A row that could not
    be split into columns has its text, and empty columns to be filled in.
    """
    delivery = desk.delivery
    found = rows_set_aside(delivery)
    with _private(path) as target:
        names = [VERSION, ROW, REASON, *desk.contract.names, TEXT]
        writer = csv.DictWriter(target, names)
        writer.writeheader()
        for number, text, reason in found:
            values = values_of(text, desk.contract)
            told = {**values, REASON: reason, TEXT: "" if values else text}
            harmless = {name: _disarmed(value) for name, value in told.items()}
            writer.writerow({**harmless, VERSION: delivery["version"], ROW: number})
    return len(found)


def read_export(path: Path, contract: Contract, version: int) -> list[tuple[int, Values]]:
    """Return number and values of each row of a file that `export` wrote of this version.

    Raises:
        ValueError, KeyError, OSError, csv.Error: when it is not such a file.
    """
    # A spreadsheet that saves a CSV in UTF-8 begins it with a mark.
    with path.open(newline="", encoding="utf-8-sig") as source:
        rows = list(csv.DictReader(source))
    if any(int(row[VERSION]) != version for row in rows):
        raise ValueError(VERSION)
    return [(int(row[ROW]), {n: _armed(row[n]) for n in contract.names}) for row in rows]


def values_of(text: str, contract: Contract) -> Values:
    """Return the values of a row that was set aside; none of one that has no columns."""
    try:
        told = json.loads(text, parse_float=str, parse_int=str)
    except ValueError:
        return {}
    if not isinstance(told, dict):
        return {}
    # A boolean is the one value of JSON that has another word in Python.
    plain = {name: told.get(name) for name in contract.names}
    return {n: str(v).lower() if isinstance(v, bool) else v for n, v in plain.items()}


def _disarmed(value: str | None) -> str | None:
    return f"'{value}" if value and _FORMULA.match(value) else value


def _armed(value: str | None) -> str | None:
    if value is None:
        raise ValueError("a row with fewer columns than its header")
    return (value[1:] if value[:1] == "'" and _FORMULA.match(value[1:]) else value) or None
