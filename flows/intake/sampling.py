"""A few rows of a source, as they are: to show to a person, or to draft a contract from."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import duckdb

from flows.contracts.contract import Contract
from flows.errors import FileBroken, SettingsWrong
from flows.intake.casting import literal
from flows.intake.landing import Landed
from flows.intake.sources.fetching import fetch
from flows.intake.sources.request import Request
from flows.settings import Instance

RELATION = "sampled"


def source_named(sources: dict[str, Any], table: str) -> tuple[str, Any]:
    """Return name and declaration of the source that has a table.

    Raises:
        SettingsWrong: when none has, with those that there are.
    """
    for name, source in sources.items():
        if table in source.tables:
            return name, source
    known = ", ".join(sorted(table for source in sources.values() for table in source.tables))
    raise SettingsWrong(
        f"No source in sources/ has the table {table}. There are: {known}. "
        "Declare it first: docs/sources.md says how."
    )


def fetch_sample(
    instance: Instance,
    sources: dict[str, Any],
    table: str,
    owner: str,
    day: dt.date,
    limit: int,
    folder: Path,
) -> Landed:
    """Bring a few rows of a table, or its first file, into a folder; nothing is taken in.

    Raises:
        DeliveryRefused: when it is not there, or cannot be reached.
    """
    name, source = source_named(sources, table)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    request = Request(instance, name, table, owner, day, None, folder, limit)
    arrived = fetch(source, request)
    return Landed(arrived.parts, "", arrived.form, {}, arrived.modified_at)


def look(
    connection: duckdb.DuckDBPyConnection,
    landed: Landed,
    contract: Contract | None,
    spill: Path,
    limit: int,
) -> list[str]:
    """Make the table `sampled`: a few rows with every column that came; return the columns.

    Raises:
        FileBroken: when it cannot be read as what its source says it is.
    """
    try:
        connection.execute(
            f"create or replace table {RELATION} as "
            f"select * from {_scan(landed, contract, spill)} limit {limit}"
        )
    except duckdb.Error as error:
        reason = str(error).splitlines()[0].split(":")[0]
        raise FileBroken(
            f"{landed.parts[0].name} cannot be read as {landed.form.format} ({reason}): see "
            "what sources/ says of it."
        ) from None
    described = connection.execute(f"describe {RELATION}").fetchall()
    return [str(row[0]) for row in described]


def _scan(landed: Landed, contract: Contract | None, spill: Path) -> str:
    form, paths = landed.form, ", ".join(literal(str(part)) for part in landed.parts)
    match form.format:
        case "csv":
            return _scan_csv(landed, contract, paths)
        case "jsonl":
            packed = form.compression or "uncompressed"
            return _texts_of_lines(f"[{paths}]", packed)
        case "json":
            keys = "".join(f'."{key}"' for key in (form.records or "").split(".") if key)
            documents = f"read_json_objects([{paths}], format = 'unstructured')"
            texts = spill / "records.jsonl"
            duckdb.execute(
                f"copy (select unnest(json_extract(json, {literal(f'${keys}[*]')})) as line "
                f"from {documents}) to {literal(str(texts))} "
                "(format csv, header false, quote '', escape '', delimiter '\x01')"
            )
            return _texts_of_lines(literal(str(texts)), "uncompressed")
        case "excel":
            from flows.intake.reading.workbook import convert

            target = spill / "sheet.parquet"
            names = contract.names if contract else []
            convert("its owner", names, landed, landed.parts[0], target)
            return f"read_parquet({literal(str(target))})"
        case _:
            return f"read_parquet([{paths}])"


def _texts_of_lines(paths: str, packed: str) -> str:
    # One level deep a value keeps the text that it was sent as.
    return (
        f"(select columns('(.*)') ->> '$' as '\\1' from read_json({paths}, "
        f"format = 'newline_delimited', compression = '{packed}', maximum_depth = 1))"
    )


def _scan_csv(landed: Landed, contract: Contract | None, paths: str) -> str:
    form = landed.form
    names = ""
    if not form.header and contract:
        told = ", ".join(literal(name) for name in contract.names)
        names = f"names = [{told}], "
    return (
        f"read_csv([{paths}], all_varchar = true, header = {str(form.header).lower()}, {names}"
        f"delim = {literal(form.delimiter)}, quote = {literal(form.quote)}, "
        f"escape = {literal(form.escape)}, nullstr = {literal(form.null_text)}, "
        f"compression = '{form.compression or 'none'}', encoding = '{form.encoding}')"
    )
