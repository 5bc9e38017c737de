"""What a delivery looks like to DuckDB before anything is cast."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import duckdb

from flows.intake.columns import Drift

# Rows that cannot even be split into columns; each reader fills it once it has read.
UNREADABLE = "create or replace table unreadable (row_text varchar, reason varchar)"


def _nothing() -> list[Drift]:
    return []


@dataclass(frozen=True)
class Delivery:
    """Every row that could be split into columns, as a relation that is scanned as it is asked.

    `relation` stands behind `from` and has one column for each key of `types`, the contract's
    columns that came, by their DuckDB types. `settle` is called once, after the first scan: it
    fills the table `unreadable` and returns the drifts that only reading could show.
    """

    relation: str
    types: Mapping[str, str]
    drifts: tuple[Drift, ...] = ()
    settle: Callable[[], list[Drift]] = field(default=_nothing)


def workbench(memory_limit: str, threads: int, spill: str) -> duckdb.DuckDBPyConnection:
    """Return an in-memory DuckDB that spills to `spill`, in UTC, for one table's intake."""
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit,
        "threads": threads,
        "temp_directory": spill,
        # Rows have no order that means anything, and keeping it costs memory.
        "preserve_insertion_order": False,
    }
    connection = duckdb.connect(config=settings)
    connection.execute("set timezone = 'UTC'")
    connection.execute("set enable_progress_bar = false")
    connection.execute(UNREADABLE)
    return connection
