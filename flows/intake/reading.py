"""A landed file as text: the table `delivered`, every column a varchar, every row there.

Rows that cannot even be split into columns go to the table `unreadable` (row_text, reason).
Columns are compared by name, never by position.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
from collections.abc import Iterable
from pathlib import Path

import duckdb

from flows.contracts.contract import Contract
from flows.errors import ColumnsDiffer, FileBroken
from flows.intake.casting import identifier, literal

_OPENERS = {"gzip": "gzip", None: "none"}


def read(
    connection: duckdb.DuckDBPyConnection, contract: Contract, path: Path, day: dt.date
) -> None:
    """Create `delivered` and `unreadable` from a landed file.

    Raises:
        ColumnsDiffer: when the file's columns are not those of the contract.
        FileBroken: when it cannot be read as what the contract says it is.
    """
    try:
        _read(connection, contract, path)
    except (ColumnsDiffer, FileBroken) as refused:
        # What is wrong is known below; which date it is, and what to do next, here.
        sentence = f"{contract.table} for {day}: {refused} Then run: scv run {day}"
        raise type(refused)(sentence) from None


def _read(connection: duckdb.DuckDBPyConnection, contract: Contract, path: Path) -> None:
    connection.execute("create or replace table unreadable (row_text varchar, reason varchar)")
    reader = {"csv": _read_csv, "jsonl": _read_json_lines, "parquet": _read_parquet}
    try:
        reader[contract.format or "parquet"](connection, contract, path)
    except duckdb.Error as error:
        # The first line only: what follows may quote a row.
        reason = str(error).splitlines()[0].split(":")[0]
        raise FileBroken(
            f"{_sent_as(path)} cannot be read as {contract.format or 'parquet'} ({reason}). "
            f"Ask {contract.owner} to send it again."
        ) from None


def compare_columns(contract: Contract, delivered: Iterable[str], file: str) -> None:
    """Hold the delivered columns against the contract's, by name; order does not matter.

    Raises:
        ColumnsDiffer: which columns are missing, which are new, which came twice.
    """
    names = list(delivered)
    missing = [name for name in contract.names if name not in names]
    extra = [name for name in names if name not in contract.names]
    twice = sorted({name for name in names if names.count(name) > 1})
    if not (missing or extra or twice):
        return
    parts = [("lacks", missing), ("has the new", extra), ("repeats", twice)]
    said = " and ".join(f"{verb} {', '.join(which)}" for verb, which in parts if which)
    raise ColumnsDiffer(
        f"{file} {said}. The contract is expectations/{contract.table}.yml: ask {contract.owner} "
        "whether that is meant. If it is, it comes by change request, the contract first; if not, "
        "have it sent again."
    )


def _read_csv(connection: duckdb.DuckDBPyConnection, contract: Contract, path: Path) -> None:
    names = _header(contract, path)
    if names is None:
        connection.execute(f"create or replace table delivered ({_text_columns(contract)})")
        return
    compare_columns(contract, names, _sent_as(path))
    columns = ", ".join(f"{literal(name)}: 'varchar'" for name in names)
    connection.execute(
        f"create or replace table delivered as select * from read_csv({literal(str(path))}, "
        f"header = true, auto_detect = false, columns = {{{columns}}}, "
        f"delim = {literal(contract.delimiter)}, quote = '\"', escape = '\"', nullstr = '', "
        f"compression = '{_OPENERS[contract.compression]}', encoding = '{contract.encoding}', "
        f"max_line_size = 2000000, store_rejects = true, rejects_limit = 0)"
    )
    connection.execute(
        "insert into unreadable select any_value(csv_line), 'the row has ' || "
        "any_value(lower(cast(error_type as varchar))) from reject_errors group by line"
    )
    _refuse_other_encoding(connection, contract, path)


def _header(contract: Contract, path: Path) -> list[str] | None:
    opener = gzip.open if contract.compression == "gzip" else open
    try:
        with opener(path, "rt", encoding=contract.encoding, newline="") as file:
            first = file.readline()
    except (UnicodeDecodeError, OSError):
        raise _other_encoding(contract, path) from None
    if not first.strip():
        return None
    header = next(csv.reader(io.StringIO(first), delimiter=contract.delimiter))
    return [name.strip().lstrip("\ufeff") for name in header]


def _refuse_other_encoding(
    connection: duckdb.DuckDBPyConnection, contract: Contract, path: Path
) -> None:
    query = "select count(*) from reject_errors where error_type = 'INVALID ENCODING'"
    if connection.execute(query).fetchall()[0][0]:
        raise _other_encoding(contract, path)


def _other_encoding(contract: Contract, path: Path) -> FileBroken:
    return FileBroken(
        f"{_sent_as(path)} is not {contract.encoding} text, as its contract says. "
        f"Ask {contract.owner} to send it in {contract.encoding}."
    )


def _read_json_lines(connection: duckdb.DuckDBPyConnection, contract: Contract, path: Path) -> None:
    if not path.stat().st_size:
        connection.execute(f"create or replace table delivered ({_text_columns(contract)})")
        return
    # Line by line, so that one torn line costs one row and not the file.
    connection.execute(
        f"create or replace table lines as select line from read_csv({literal(str(path))}, "
        f"header = false, auto_detect = false, columns = {{'line': 'varchar'}}, delim = '\x01', "
        f"quote = '', escape = '', max_line_size = 2000000, "
        f"compression = '{_OPENERS[contract.compression]}') where trim(line, ' ') <> ''"
    )
    # `and` would ask json_type of lines that are no JSON, which is an error in DuckDB.
    is_object = "(case when json_valid(line) then json_type(line) = 'OBJECT' else false end)"
    connection.execute(
        f"insert into unreadable select line, 'the line is not a JSON object' from lines "
        f"where not {is_object}"
    )
    keys = connection.execute(
        f"select distinct unnest(json_keys(line)) from lines where {is_object}"
    ).fetchall()
    if keys:
        compare_columns(contract, [key for (key,) in keys], _sent_as(path))
    fields = ", ".join(
        f"json_extract_string(line, {literal('$.' + name)}) as {identifier(name)}"
        for name in contract.names
    )
    connection.execute(
        f"create or replace table delivered as select {fields} from lines where {is_object}"
    )


def _read_parquet(connection: duckdb.DuckDBPyConnection, contract: Contract, path: Path) -> None:
    source = f"read_parquet({literal(str(path))})"
    described = connection.execute(f"describe select * from {source}").fetchall()
    names = [str(row[0]) for row in described]
    compare_columns(contract, names, _sent_as(path))
    fields = ", ".join(f"cast({identifier(n)} as varchar) as {identifier(n)}" for n in names)
    connection.execute(f"create or replace table delivered as select {fields} from {source}")


def _sent_as(path: Path) -> str:
    """The name under which the client sent a landed file: ours begins with its hash."""
    return path.name.split("-", 1)[-1]


def _text_columns(contract: Contract) -> str:
    return ", ".join(f"{identifier(name)} varchar" for name in contract.names)


def workbench(memory_limit: str, threads: int, spill: Path) -> duckdb.DuckDBPyConnection:
    """Return an in-memory DuckDB that spills to `spill`, in UTC, for one table's intake."""
    spill.mkdir(parents=True, exist_ok=True)
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit,
        "threads": threads,
        "temp_directory": str(spill),
    }
    connection = duckdb.connect(config=settings)
    connection.execute("set timezone = 'UTC'")
    connection.execute("set enable_progress_bar = false")
    return connection
