"""A contract, files and an intake of the test's own: what the tests of this room stand on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from flows.contracts.contract import Column, Contract, Expectation
from flows.intake.batches import Span
from flows.intake.columns import Drift
from flows.intake.landing import Landed
from flows.intake.reading import reader
from flows.intake.reading.delivery import workbench
from flows.intake.sorting import Sorting
from flows.intake.sources.declared import Form

DAY = dt.date(2017, 11, 22)
TERMS: dict[str, Any] = {
    "table": "visits",
    "description": "One row per visit.",
    "owner": "shop@client.example",
    "source": "shop",
    "grain": "visit_id",
    "load": "delta",
    "deliveries": "daily",
    "ready_by": "05:00",
    "wait_until": "07:00",
    "if_missing": "hold_all",
    "stale_limit_days": 0,
    "because": "A test.",
    "decided_by": "Nobody",
    "decided_on": DAY,
    "review_by": DAY,
    "sha256": "",
}
# Of contracts with visits and their steps: one refuses a delivery, the other sets rows aside.
UNIQUE = Expectation(
    type="expect_column_values_to_be_unique", kwargs={"column": "visit_id"}, severity="critical"
)
FEW = Expectation(
    type="expect_column_values_to_be_between",
    kwargs={"column": "steps", "max_value": 100},
    severity="warning",
)
VISITS = {
    "visit_id": "bigint",
    "who": "varchar",
    "spent": "decimal(18,4)",
    "on_day": "date",
    "at_time": "timestamp",
    "is_member": "boolean",
    "steps": "integer",
}

Record = dict[str, Any]


def contract_of(columns: Mapping[str, str] = VISITS, **terms: Any) -> Contract:
    """Return a contract for these columns, by name and type; `terms` are what else it says."""
    told = {"grain": next(iter(columns))} | terms
    promised = tuple(
        Column(name=name, data_type=kind, description="A value of a test.")
        for name, kind in columns.items()
    )
    return Contract(**(TERMS | {"columns": promised} | told))


def landed(*parts: Path, **form: Any) -> Landed:
    """Return files as the landing holds them."""
    return Landed(parts, "", Form(**form), {})


@dataclass(frozen=True)
class Sorted:
    """What became of a delivery: typed rows, rows set aside as (text, reason), drifts."""

    accepted: list[Record]
    aside: list[tuple[str, str]]
    drifts: list[Drift]
    delivered: int

    @property
    def reasons(self) -> list[str]:
        """Why rows were set aside, each time."""
        return sorted(reason for _, reason in self.aside)

    @property
    def kinds(self) -> set[tuple[str, str, bool]]:
        """Every drift: its kind, its column, and whether the contract refuses it."""
        return {(drift.kind, drift.column, drift.refused) for drift in self.drifts}


def sort(contract: Contract, files: Landed, folder: Path, span: Span | None = None) -> Sorted:
    """Take files through the readers and the sorting, as the intake does; look at the result."""
    spill, batch = folder / "spill", folder / "batch.parquet"
    spill.mkdir(exist_ok=True)
    batch.unlink(missing_ok=True)
    with workbench("500MB", 2, str(spill)) as connection:
        try:
            delivery = reader.read(connection, contract, files, spill)
            within = span or Span(dt.date.max, None)
            sorting = Sorting(connection, contract, delivery, within, spill / "typed.parquet")
            drifts = [*delivery.drifts, *sorting.run()]
        except duckdb.Error as error:
            raise reader.told(contract, files, DAY, error) from None
        counts = sorting.count()
        aside = connection.execute("select row_text, reason from quarantined").fetchall()
        sorting.write_batch(batch)
    accepted = rows_of(batch)
    assert counts.delivered == len(accepted) + len(aside), "conservation"
    return Sorted(accepted, aside, drifts, counts.delivered)


def rows_of(parquet: Path | str) -> list[Record]:
    """Return the rows of a Parquet file, in the order of all their values."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        found = connection.read_parquet([_no_glob(parquet)], hive_partitioning=False)
        names = found.columns
        return [dict(zip(names, row, strict=True)) for row in found.order("all").fetchall()]


def _no_glob(path: Path | str) -> str:
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path))


def values(rows: Sequence[Record], column: str) -> list[Any]:
    """Return one column of rows."""
    return [row[column] for row in rows]
