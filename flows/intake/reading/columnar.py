"""Parquet, with the types that it was written with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from flows.contracts.contract import Contract
from flows.intake import columns
from flows.intake.casting import file, identifier, text_of
from flows.intake.columns import Drift
from flows.intake.landing import Landed
from flows.intake.reading.delivery import Delivery
from flows.intake.sources.request import sent_as


def read(connection: duckdb.DuckDBPyConnection, contract: Contract, landed: Landed) -> Delivery:
    """Return the rows of Parquet files; parts are matched by the names of their columns.

    A column that the parts hold in several types is read as text, so that none is altered.

    Raises:
        ColumnsDiffer: when the columns of a part are not those of the contract.
    """
    drifts: dict[str, Drift] = {}
    alike: dict[tuple[tuple[str, str], ...], list[Path]] = {}
    for part in landed.parts:
        types = _types(connection, part)
        told = {n: t for n, t in types.items() if t != "VARCHAR" or not landed.form.as_text}
        found = columns.compare(contract, pq.read_schema(part).names, told)
        columns.refuse(contract, found, sent_as(part))
        drifts |= {str(drift): drift for drift in found}
        alike.setdefault(tuple(types.items()), []).append(part)
    present = _common(contract, [dict(each) for each in alike])
    scans = [_scan(present, dict(types), parts) for types, parts in alike.items()]
    return Delivery(f"({' union all '.join(scans)})", present, tuple(drifts.values()))


def _types(connection: duckdb.DuckDBPyConnection, part: Path) -> dict[str, str]:
    scan = f"read_parquet({file(part)}, hive_partitioning = false)"
    described = connection.execute(f"describe select * from {scan}").fetchall()
    return {str(row[0]): str(row[1]) for row in described}


def _common(contract: Contract, schemas: list[dict[str, str]]) -> dict[str, str]:
    common = {}
    for name in contract.names:
        types = {types[name] for types in schemas if name in types}
        if types:
            common[name] = types.pop() if len(types) == 1 else "VARCHAR"
    return common


def _scan(present: Mapping[str, str], types: Mapping[str, str], parts: list[Path]) -> str:
    def value(name: str) -> str:
        if name not in types:
            return "null"
        same = types[name] == present[name]
        return identifier(name) if same else text_of(name, types[name])

    chosen = ", ".join(f"{value(name)} as {identifier(name)}" for name in present)
    paths = ", ".join(file(part) for part in parts)
    return f"select {chosen} from read_parquet([{paths}], hive_partitioning = false)"
