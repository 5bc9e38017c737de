"""Whose rows were set aside, and why, told in `raw.set_aside`; of the rows themselves, nothing.

Read from the quarantine of the very deliveries that a build is made of: a row that was released or
corrected is in a newer version of its delivery, and no longer in the quarantine of that.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from flows.contracts.contract import Contract
from flows.intake.casting import cast, file, identifier, literal
from flows.settings import PROJECT

THRESHOLDS = PROJECT / "seeds" / "thresholds.csv"
TABLE = """
    create or replace table raw.set_aside
    (table_name varchar, batch_date date, customer_id bigint, reason varchar)
"""
# A row that could not be split into columns has its line for a text, which names nobody.
FILL = """
    insert into raw.set_aside
    select distinct {table}, batch_date, {whose}, reason
    from (
        select
            json_extract_string(case when json_valid(row_text) then row_text end, {key})
                as {column},
            reason,
            batch_date
        from read_parquet(
            [{paths}], hive_partitioning = true, hive_types = {{'batch_date': 'date'}}
        )
    )
    where {whose} is not null and {kept}
"""


@dataclass(frozen=True)
class Quarantine:
    """The pinned deliveries of one table: the file of what was set aside of each, if anything."""

    contract: Contract
    paths: Mapping[dt.date, str | None]


def write(
    connection: duckdb.DuckDBPyConnection,
    day: dt.date,
    quarantines: Sequence[Quarantine],
    sampled: bool = False,
) -> None:
    """Write `raw.set_aside` for a build of a business date; `sampled` for that of `raw.sample`.

    The models look back `dq_flag_days`: files of deliveries before that are not opened.
    """
    connection.execute(TABLE)
    earliest = day - dt.timedelta(days=flag_days() - 1)
    for each in quarantines:
        paths = _paths(each, earliest)
        if paths and each.contract.customer_column:
            connection.execute(_fill(each.contract, paths, sampled))


def flag_days(thresholds: Path = THRESHOLDS) -> int:
    """Return how many days a row that is set aside touches its customer, as was decided."""
    with thresholds.open(newline="") as lines:
        return next(int(r["value"]) for r in csv.DictReader(lines) if r["name"] == "dq_flag_days")


def _paths(quarantine: Quarantine, earliest: dt.date) -> list[str]:
    dates = [date for date in quarantine.paths if date >= earliest]
    if quarantine.contract.load != "delta":
        # Each delivery is the whole table: what the last one says is so.
        dates = [date for date in dates if date == max(quarantine.paths)]
    return [path for date in dates if (path := quarantine.paths[date])]


def _fill(contract: Contract, paths: Sequence[str], sampled: bool) -> str:
    column = next(c for c in contract.columns if c.name == contract.customer_column)
    return FILL.format(
        table=literal(contract.table),
        column=identifier(column.name),
        key=literal(f'$."{column.name}"'),
        whose=f"try_cast({cast(column)} as bigint)",
        paths=", ".join(file(path) for path in paths),
        kept=f"{cast(column)} in (select id from raw.sample)" if sampled else "true",
    )
