"""What a contract makes of pinned batches: the SQL of a view in `raw`, by name and by type.

A column that a batch does not have, being older than the column, is null in it. DuckDB reads a list
of files as it reads the first one, so batches of another shape are read beside it, as a list of
their own; as long as all are alike there is one list. What a contract no longer says is not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from flows.builds.batch_columns import Columns
from flows.contracts.contract import Column, Contract
from flows.errors import ContractWrong
from flows.intake.casting import identifier, literal, misfit

# Types whose every value is one of the other, or is rounded by nothing on the way.
WIDER = {("INTEGER", "BIGINT"), ("DATE", "TIMESTAMP")}
_DIGITS = {"INTEGER": (10, 0), "BIGINT": (19, 0)}


def view(contract: Contract, paths: Sequence[str], known: Mapping[str, Columns]) -> str:
    """Return the SQL of a view over batches, of whatever age, as this contract sees them."""
    if not paths:
        return f"select {_select(contract, {})}, cast(null as date) as batch_date where false"
    return " union all ".join(
        f"select {_select(contract, has)}, batch_date from {_read(alike)}"
        for has, alike in _alike(contract, paths, known)
    )


def refuse_misfits(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    paths: Sequence[str],
    known: Mapping[str, Columns],
) -> None:
    """Refuse a contract under which values of batches that were taken are none of its types.

    Raises:
        ContractWrong: with the column and both types, never with a value.
    """
    for has, alike in _alike(contract, paths, known):
        for column in contract.columns:
            was = has.get(column.name)
            if was is None or _is_wider(was, _plain(connection, column.data_type)):
                continue
            if not _casts(connection, column, was, alike):
                raise ContractWrong(
                    f"expectations/{contract.table}.yml makes {column.data_type} of "
                    f"{column.name}, and {len(alike):,} batches that were taken have it as "
                    f"{was.lower()} with values that are none. Leave its type as it was, or give "
                    "what comes from now on another name"
                )


def _typed(contract: Contract) -> list[tuple[str, str]]:
    typed = [(column.name, column.data_type) for column in contract.columns]
    return [*typed, ("is_deleted", "boolean")] if contract.load == "snapshot" else typed


def _alike(
    contract: Contract, paths: Sequence[str], known: Mapping[str, Columns]
) -> list[tuple[Columns, list[str]]]:
    """Return batches that have the same of what the contract says, in their order."""
    names = [name for name, _ in _typed(contract)]
    found: dict[tuple[str | None, ...], list[str]] = {}
    for path in paths:
        found.setdefault(tuple(known[path].get(name) for name in names), []).append(path)
    return [
        ({name: kind for name, kind in zip(names, shape, strict=True) if kind}, alike)
        for shape, alike in found.items()
    ]


def _select(contract: Contract, has: Columns) -> str:
    return ", ".join(
        f"cast({identifier(name) if name in has else 'null'} as {kind}) as {identifier(name)}"
        for name, kind in _typed(contract)
    )


def _read(paths: Sequence[str]) -> str:
    listed = ", ".join(literal(path) for path in paths)
    return (
        f"read_parquet([{listed}], hive_partitioning = true, hive_types = {{'batch_date': 'date'}})"
    )


def _plain(connection: duckdb.DuckDBPyConnection, data_type: str) -> str:
    """Return a type as DuckDB writes it: `decimal` is DECIMAL(18,3)."""
    query = f"select typeof(cast(null as {data_type}))"
    return str(connection.execute(query).fetchall()[0][0])


def _is_wider(was: str, now: str) -> bool:
    if was == now or now == "VARCHAR" or (was, now) in WIDER:
        return True
    if not now.startswith("DECIMAL") or not (was in _DIGITS or was.startswith("DECIMAL")):
        return False
    (digits, scale), (more, finer) = _digits(was), _digits(now)
    return finer >= scale and more - finer >= digits - scale


def _digits(kind: str) -> tuple[int, int]:
    if kind in _DIGITS:
        return _DIGITS[kind]
    digits, scale = kind.removeprefix("DECIMAL(").rstrip(")").split(",")
    return int(digits), int(scale)


def _casts(
    connection: duckdb.DuckDBPyConnection, column: Column, was: str, paths: Sequence[str]
) -> bool:
    """True when no value of a column is lost or altered by the cast: each of them is looked at."""
    name = identifier(column.name)
    there = f"try_cast({name} as {column.data_type})"
    misfits = f"cast({there} as {was}) is distinct from {name}"
    if was == "VARCHAR":
        # A text that the intake would set aside is none; nor is one that only it would tidy.
        misfits = f"{misfit(column)} is not null or ({name} is not null and {there} is null)"
    try:
        found = connection.execute(f"select count(*) from {_read(paths)} where {misfits}")
        return not found.fetchall()[0][0]
    except (duckdb.BinderException, duckdb.ConversionException, duckdb.NotImplementedException):
        # There are types that no value can be both of.
        return False
