"""A full snapshot, reduced to what changed since the last: rows that are new, other, or gone.

Of every snapshot only its keys and a hash of each row are kept, so that the next is compared in one
join, and what follows in the build touches as many rows as have really changed.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import duckdb

from flows.contracts.contract import Contract
from flows.errors import Overtaken, TooManyDeletions
from flows.intake.batches import rows, write
from flows.intake.casting import file, identifier, literal

TOLERATED_DELETIONS = 10


@dataclass(frozen=True)
class Reduced:
    """How many rows of a snapshot are new or other, and how many of the last one are gone."""

    changed: int
    deleted: int


def reduce(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    day: dt.date,
    last: Path | None,
    state: Path,
) -> Reduced:
    """Make of the relation `accepted` the relation `changes`, with `is_deleted`; write `state`.

    Args:
        connection: the workbench of the intake.
        contract: its grain names a row; its suite proves that it does.
        day: the business date.
        last: the state that the last snapshot left, or None.
        state: where this one's is written: its keys, and a hash of each row.

    Raises:
        TooManyDeletions: when more is gone than the contract believes in one day.
    """
    keys = ", ".join(identifier(key) for key in contract.key_columns)
    names = ", ".join(identifier(name) for name in contract.names)
    # A hash of DuckDB's own: after an upgrade that changes it every row counts as changed, once.
    connection.execute(
        f"create or replace view hashed as select {keys}, hash({names}) as row_hash from accepted"
    )
    if last is None:
        connection.execute(
            "create or replace view changes as select *, false as is_deleted from accepted"
        )
        write(connection, "hashed", state)
        return Reduced(rows(connection, "accepted"), 0)
    connection.execute(f"create or replace view known as select * from read_parquet({file(last)})")
    # A row that was set aside is not gone: it stays what it was until it comes readably.
    connection.execute(
        f"create or replace view unsettled as select {_keys_of_text(contract)} from quarantined"
    )
    connection.execute(
        f"create or replace table gone as select {keys} from known "
        f"where not exists (from accepted where {_same(contract, 'accepted')}) "
        f"and not exists (from unsettled where {_same(contract, 'unsettled')})"
    )
    deleted = rows(connection, "gone")
    _refuse_too_many(contract, day, deleted, rows(connection, "known"))
    connection.execute(
        f"create or replace table changed as select accepted.* from accepted "
        f"left join known on {_same(contract, 'accepted')} "
        f"where known.row_hash is distinct from hash({_of_accepted(contract)})"
    )
    connection.execute(
        "create or replace view changes as select *, false as is_deleted from changed "
        "union all by name select *, true as is_deleted from gone"
    )
    connection.execute(
        "create or replace view kept as from hashed union all select known.* from known "
        f"where exists (from unsettled where {_same(contract, 'unsettled')}) "
        f"and not exists (from accepted where {_same(contract, 'accepted')})"
    )
    write(connection, "kept", state)
    return Reduced(rows(connection, "changed"), deleted)


def let_in(
    connection: duckdb.DuckDBPyConnection, contract: Contract, before: Path, state: Path
) -> None:
    """Write the state of a snapshot into which the rows of the relation `let_in` were let."""
    keys = ", ".join(identifier(key) for key in contract.key_columns)
    names = ", ".join(identifier(name) for name in contract.names)
    connection.execute(f"create view known as from read_parquet({file(before)})")
    connection.execute(
        "create view state as select known.* from known "
        f"where not exists (from let_in where {_same(contract, 'let_in')}) "
        f"union all select {keys}, hash({names}) as row_hash from let_in"
    )
    write(connection, "state", state)


def refuse_overtaken(contract: Contract, day: dt.date, newest: dt.date | None) -> None:
    """Refuse a snapshot that is older than the newest one taken: it would undo what that says.

    Raises:
        Overtaken: with the date of the newer one.
    """
    if newest is not None and newest > day:
        raise Overtaken(
            f"{contract.table} for {day}: the snapshot of {newest} is taken already and says what "
            f"is so since; an older one is not taken behind it. If {newest} was wrong, ask "
            f"{contract.owner} to send it again, then run: scv run {newest}"
        )


def _same(contract: Contract, other: str) -> str:
    names = [identifier(key) for key in contract.key_columns]
    return " and ".join(f"known.{name} is not distinct from {other}.{name}" for name in names)


def _keys_of_text(contract: Contract) -> str:
    of = {column.name: column.data_type for column in contract.columns}
    text = "case when json_valid(row_text) then row_text end"
    return ", ".join(
        f"try_cast(json_extract_string({text}, {literal(key)}) as {of[key]}) as {identifier(key)}"
        for key in contract.key_columns
    )


def _of_accepted(contract: Contract) -> str:
    return ", ".join(f"accepted.{identifier(name)}" for name in contract.names)


def _refuse_too_many(contract: Contract, day: dt.date, deleted: int, known: int) -> None:
    limit = max(TOLERATED_DELETIONS, int(known * contract.max_deleted_share))
    if deleted > limit:
        raise TooManyDeletions(
            f"{contract.table} for {day}: {deleted:,} of the {known:,} rows of the last snapshot "
            f"are not in this one; the contract believes {limit:,} deletions in a day. It looks "
            f"cut off. Ask {contract.owner} to send it again, then run: scv run {day}"
        )
