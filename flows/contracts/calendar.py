"""Which days a table is due, by its contract and by the calendar in `seeds/`."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

from flows.contracts.contract import Contract
from flows.errors import ContractWrong
from flows.settings import PROJECT

Expected = Literal["delivery", "empty", "nothing"]
Calendar = Mapping[tuple[str, dt.date], Expected]
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def expected(contract: Contract, calendar: Calendar, day: dt.date) -> Expected:
    """Return what is due of a table on a date: a delivery, one that may be empty, or nothing.

    What the calendar says of the very day outranks the contract's rhythm.
    """
    said = calendar.get((contract.table, day))
    if said is not None and (said != "empty" or contract.may_be_empty != "never"):
        return said
    if not _is_due(contract, day):
        return "nothing"
    return "empty" if contract.may_be_empty == "always" else "delivery"


def refuse_unknown_tables(calendar: Calendar, tables: Iterable[str]) -> None:
    """Refuse a calendar that speaks of a table without a contract: its days would not count.

    Raises:
        ContractWrong: with the name.
    """
    known = set(tables)
    for table, day in calendar:
        if table not in known:
            raise ContractWrong(
                f"seeds/delivery_calendar.csv speaks of {table} on {day}, and there is no "
                "contract for it: mend one of the two."
            )


def _is_due(contract: Contract, day: dt.date) -> bool:
    if contract.deliveries == "weekdays":
        return day.weekday() < 5
    if contract.deliveries == "weekly":
        return WEEKDAYS[day.weekday()] == contract.delivery_weekday
    # A table by calendar is due on the days that the calendar names, and they are asked above.
    return contract.deliveries == "daily"


@lru_cache
def read_calendar(path: Path = PROJECT / "seeds" / "delivery_calendar.csv") -> Calendar:
    """Return what the calendar says, by table and date.

    Raises:
        ContractWrong: when a line says what no calendar says.
    """
    with path.open(newline="") as file:
        return dict(_entry(line, row) for line, row in enumerate(csv.DictReader(file), start=2))


def _entry(line: int, row: Mapping[str, str]) -> tuple[tuple[str, dt.date], Expected]:
    try:
        day = dt.date.fromisoformat(row["business_date"])
        said: Expected = next(e for e in get_args(Expected) if e == row["expected"])
    except (KeyError, TypeError, ValueError, StopIteration):
        raise ContractWrong(
            f"seeds/delivery_calendar.csv, line {line}: write table_name, business_date as "
            "2017-12-25, and expected as delivery, empty or nothing."
        ) from None
    return (row["table_name"], day), said
