"""Delivered text to a typed, immutable batch; what does not fit goes to quarantine.

`delivered = accepted + quarantined`, always: every row of the landed file is in exactly one of
two Parquet files, and the quarantined ones carry their text and the reason.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import duckdb

from flows.contracts.contract import Contract
from flows.errors import TooManyBadRows, WrongDay
from flows.intake.casting import cast, identifier, literal, misfit

# A handful of bad rows in a small table is a handful, not a share.
TOLERATED_ROWS = 10


@dataclass(frozen=True)
class Counts:
    """Rows of one delivery."""

    delivered: int
    accepted: int
    quarantined: int


def type_rows(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    day: dt.date,
    earliest: dt.date | None,
) -> None:
    """Split `delivered` into `accepted` (typed) and `quarantined` (row_text, reason).

    A row's day must be within `earliest` and `day`; without `earliest` any day up to `day`.

    Raises:
        WrongDay: when most rows are of another business date.
    """
    reasons = [reason for column in contract.columns if (reason := misfit(column)) != "null"]
    wrong_day = _wrong_day(contract, day, earliest)
    problem = f"nullif(concat_ws('; ', {', '.join([*reasons, wrong_day])}), '')"
    casts = ", ".join(f"{cast(c)} as {identifier(c.name)}" for c in contract.columns)
    connection.execute(
        "create or replace table judged as "
        f"select *, {problem} as _reason, ({wrong_day}) is not null as _wrong_day from delivered"
    )
    _refuse_another_day(connection, contract, day)
    connection.execute(
        f"create or replace table accepted as select {casts} from judged where _reason is null"
    )
    connection.execute(
        "create or replace table quarantined as "
        "select row_text, reason from unreadable union all "
        f"select {_row_text(contract)}, _reason from judged where _reason is not null"
    )
    connection.execute("drop table judged")


def set_aside(
    connection: duckdb.DuckDBPyConnection, contract: Contract, condition: str, reason: str
) -> int:
    """Move the accepted rows that fit a condition to quarantine, and return how many."""
    connection.execute(
        f"insert into quarantined select {_row_text(contract)}, ? from accepted where {condition}",
        [reason],
    )
    moved = connection.execute(f"delete from accepted where {condition}").fetchall()
    return int(moved[0][0])


def rows(connection: duckdb.DuckDBPyConnection, *tables: str) -> int:
    """Return how many rows the tables have together."""
    counts = [connection.execute(f"select count(*) from {table}").fetchall() for table in tables]
    return sum(int(found[0][0]) for found in counts)


def count(connection: duckdb.DuckDBPyConnection) -> Counts:
    """Count the rows of the tables of one intake."""
    delivered = rows(connection, "delivered", "unreadable")
    return Counts(delivered, rows(connection, "accepted"), rows(connection, "quarantined"))


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


def write(connection: duckdb.DuckDBPyConnection, table: str, path: Path, order: str = "") -> None:
    """Write a table as an immutable Parquet file: whole, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}")
    connection.execute(
        f"copy (select * from {table} {order}) to {literal(str(partial))} "
        "(format parquet, compression zstd)"
    )
    partial.chmod(0o444)
    partial.replace(path)


def _row_text(contract: Contract) -> str:
    fields = ", ".join(f"{identifier(n)} := {identifier(n)}" for n in contract.names)
    return f"cast(to_json(struct_pack({fields})) as varchar)"


def _wrong_day(contract: Contract, day: dt.date, earliest: dt.date | None) -> str:
    if contract.row_date is None:
        return "null"
    column = next(c for c in contract.columns if c.name == contract.row_date)
    moment = f"cast(({cast(column)}) as date)"
    wrong = f"{moment} > date '{day}'"
    if earliest is not None:
        wrong = f"{wrong} or {moment} < date '{earliest}'"
    reason = literal(f"{contract.row_date} is not of {day}")
    return f"case when {wrong} then {reason} end"


def _refuse_another_day(
    connection: duckdb.DuckDBPyConnection, contract: Contract, day: dt.date
) -> None:
    wrong, rows = connection.execute(
        "select coalesce(count_if(_wrong_day), 0), count(*) from judged"
    ).fetchall()[0]
    if wrong * 2 > rows:
        raise WrongDay(
            f"{contract.table} for {day}: {wrong:,} of {rows:,} rows have a {contract.row_date} of "
            f"another day: this is another day's delivery. Ask {contract.owner} for the rows of "
            f"{day}, then run: scv run {day}"
        )
