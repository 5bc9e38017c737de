"""Typed, immutable batches as Parquet files, and how many bad rows a contract tolerates."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from flows.contracts.contract import Contract
from flows.errors import TooManyBadRows
from flows.intake.casting import literal

# A handful of bad rows in a small table is a handful, not a share.
TOLERATED_ROWS = 10


@dataclass(frozen=True)
class Counts:
    """Rows of one delivery."""

    delivered: int
    accepted: int
    quarantined: int


@dataclass(frozen=True)
class Span:
    """The days that a row of a delivery may be of; `earliest` None for any up to `day`.

    Rows before `first` are late ones; a delivery of mostly late rows is another day's.
    """

    day: dt.date
    earliest: dt.date | None
    first: dt.date | None = None


def rows(connection: duckdb.DuckDBPyConnection, *relations: str) -> int:
    """Return how many rows the relations have together."""
    counts = [connection.execute(f"select count(*) from {each}").fetchall() for each in relations]
    return sum(int(found[0][0]) for found in counts)


def refuse_too_many(contract: Contract, day: dt.date, counts: Counts, reasons: str) -> None:
    """Refuse a delivery of which more rows do not fit than the contract tolerates.

    Raises:
        TooManyBadRows: with the commonest reasons, never with a value.
    """
    limit = _tolerated(contract, counts.delivered)
    if counts.quarantined > limit:
        raise TooManyBadRows(
            f"{contract.table} for {day}: {counts.quarantined:,} of {counts.delivered:,} rows do "
            f"not fit ({reasons}); the contract tolerates {limit:,}. They stand in quarantine/"
            f"{contract.table}/batch_date={day}. Ask {contract.owner} to send it again, then run: "
            f"scv run {day}"
        )


def _tolerated(contract: Contract, delivered: int) -> int:
    # A consent that we cannot read may be somebody's no.
    if contract.is_consent:
        return 0
    share = int(delivered * contract.max_quarantined_share)
    return min(max(TOLERATED_ROWS, share), delivered // 2)


def common_reasons(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the three commonest reasons in quarantine, with their counts, in words."""
    found = connection.execute(
        "select reason, count(*) from quarantined group by 1 order by 2 desc, 1 limit 3"
    ).fetchall()
    return "; ".join(f"{reason}: {rows:,}" for reason, rows in found)


def write(connection: duckdb.DuckDBPyConnection, relation: str, path: Path) -> None:
    """Write a relation as an immutable Parquet file: whole, or not at all."""
    partial = _partial(path)
    connection.execute(
        f"copy (select * from {relation}) to {literal(str(partial))} "
        "(format parquet, compression zstd)"
    )
    _finish(partial, path)


def place(written: Path, path: Path) -> None:
    """Make a Parquet file that is written already an immutable one, in its own place."""
    partial = _partial(path)
    shutil.move(written, partial)
    _finish(partial, path)


def _partial(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}")


def _finish(partial: Path, path: Path) -> None:
    partial.chmod(0o444)
    partial.replace(path)
