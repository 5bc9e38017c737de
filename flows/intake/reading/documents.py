"""JSON: one object a line, or documents that hold an array of them."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa

from flows.contracts.contract import Contract
from flows.errors import FileBroken
from flows.intake import columns
from flows.intake.casting import file, identifier, literal
from flows.intake.columns import Drift
from flows.intake.landing import Landed
from flows.intake.reading.delivery import Delivery
from flows.intake.reading.separated import LONGEST_LINE, set_rejects_aside
from flows.intake.sources.request import sent_as

IS_OBJECT = "(case when json_valid(line) then json_type(line) = 'OBJECT' else false end)"
NAMES_EACH_ONCE = "(len(json_keys(line)) = list_unique(json_keys(line)))"
# DuckDB holds a number of JSON as a double, which keeps so many digits and a point.
MANY_DIGITS = "regexp_matches(line, '[0-9.]{17}')"

# So many bytes around a document are looked through for where it begins and ends.
BLANK = 1024


def read_lines(
    connection: duckdb.DuckDBPyConnection, contract: Contract, landed: Landed
) -> Delivery:
    """Return the objects of JSON Lines files; a torn line costs one row and not the file."""
    if not any(part.stat().st_size for part in landed.parts):
        return _objects(connection, contract, landed, "(select null::varchar as line where false)")
    if landed.form.encoding == "utf-8" and landed.form.compression is None:
        whole = _alike(connection, contract, landed.parts, "newline_delimited")
        if whole is not None:
            return whole
    # A control character that no JSON holds parts the line from what is behind it. Lines may end
    # in one character or in two, also within one file: that is what is not strict.
    lines = (
        "(select concat(line, '\x01' || behind) as line from "
        f"read_csv([{_listed(landed.parts)}], header = false, auto_detect = false, "
        "columns = {'line': 'varchar', 'behind': 'varchar'}, null_padding = true, "
        "delim = '\x01', quote = '', escape = '', strict_mode = false, "
        f"max_line_size = {LONGEST_LINE}, store_rejects = true, rejects_limit = 0, "
        f"encoding = '{landed.form.encoding}', "
        f"compression = '{landed.form.compression or 'none'}') where trim(line, ' \r') <> '')"
    )
    rejects = lambda: set_rejects_aside(connection, contract, landed)  # noqa: E731
    return _objects(connection, contract, landed, lines, rejects)


def read_arrays(
    connection: duckdb.DuckDBPyConnection, contract: Contract, landed: Landed, spill: Path
) -> Delivery:
    """Return the objects of JSON documents: those of an array, at `records` where it is named.

    Raises:
        FileBroken: when a document has no array where the source says that its rows are.
    """
    form = landed.form
    parts = [_in_utf_8(contract, landed, part, spill) for part in landed.parts]
    if not form.records and all(_is_an_array(part) for part in parts):
        # An array that is read object by object may be larger than the memory.
        all_threads = _one_thread(connection)
        whole = _alike(connection, contract, parts, "array")
        if whole is not None:
            return replace(whole, settle=all_threads)
        all_threads()
    largest = max(part.stat().st_size for part in parts)
    documents = (
        f"read_json_objects([{_listed(parts)}], format = 'unstructured', "
        f"maximum_object_size = {max(16 << 20, largest + 1)}, compression = 'uncompressed')"
    )
    path = "$" + "".join(f".{json.dumps(key)}" for key in (form.records or "").split(".") if key)
    without = connection.execute(
        f"select count(*) from {documents} where json_type(json, {literal(path)}) "
        "is distinct from 'ARRAY'"
    ).fetchall()[0][0]
    if without:
        where = f"at {form.records}" if form.records else "of rows"
        raise FileBroken(
            f"{sent_as(landed.parts[0])} holds no JSON array {where}. "
            f"Ask {contract.owner} to send it again."
        )
    # Whole documents go through DuckDB's JSON only once their numbers are safe.
    rows = literal(path + "[*]")
    lines = (
        f"(select cast(unnest(json_extract({_exact(connection, 'json')}, {rows})) as varchar) "
        f"as line from {documents})"
    )
    return _objects(connection, contract, landed, lines)


def _alike(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    parts: Sequence[Path],
    layout: str,
) -> Delivery | None:
    """Return objects that all have the contract's keys in one order, and no long number.

    Proved in a pass of its own, for then DuckDB parses each object once on its way into columns,
    where the careful way does so five times. None where anything at all is otherwise.
    """
    options = f"[{_listed(parts)}], format = '{layout}', maximum_object_size = {LONGEST_LINE}"
    objects = f"read_json_objects({options}, compression = 'uncompressed')"
    try:
        first = connection.execute(f"select json_keys(json) from {objects} limit 1").fetchall()
        names: list[str] = first[0][0] if first else []
        if sorted(names) != sorted(contract.names):
            return None
        agreed = ", ".join(literal(name) for name in names)
        text = "cast(json as varchar)"
        odd = f"strlen({text}) >= {LONGEST_LINE} or {MANY_DIGITS.replace('line', text)}"
        other = connection.execute(
            f"select 1 from {objects} where json_keys(json) is distinct from [{agreed}] or {odd} "
            "limit 1"
        ).fetchall()
    except duckdb.Error:
        return None
    if other:
        return None
    typed = ", ".join(f"{literal(name)}: 'varchar'" for name in contract.names)
    relation = f"read_json({options}, compression = 'uncompressed', columns = {{{typed}}})"
    return Delivery(relation, dict.fromkeys(contract.names, "VARCHAR"))


def _is_an_array(part: Path) -> bool:
    # DuckDB takes an array that was cut off behind a comma for a whole one.
    with part.open("rb") as file:
        begins = file.read(BLANK).lstrip()[:1]
        file.seek(max(part.stat().st_size - BLANK, 0))
        return begins == b"[" and file.read().rstrip().endswith(b"]")


def _one_thread(connection: duckdb.DuckDBPyConnection) -> Callable[[], list[Drift]]:
    """Read with one thread until the first scan is over; return what ends that.

    The objects of an array are found one after the other: a second thread only spins, and costs.
    """
    threads = connection.execute("select current_setting('threads')").fetchall()[0][0]
    connection.execute("set threads = 1")

    def settle() -> list[Drift]:
        connection.execute(f"set threads = {threads}")
        return []

    return settle


def _in_utf_8(contract: Contract, landed: Landed, part: Path, spill: Path) -> Path:
    """Return a document unpacked and in DuckDB's encoding, which is most often as it came."""
    form = landed.form
    if form.encoding == "utf-8" and form.compression is None:
        return part
    target = spill / f"utf-8-{part.name}"
    try:
        with pa.input_stream(str(part), compression=form.compression) as packed:
            text = io.TextIOWrapper(io.BufferedReader(packed), encoding=form.encoding, newline="")
            with target.open("w", encoding="utf-8", newline="") as plain:
                shutil.copyfileobj(text, plain)
    except UnicodeDecodeError:
        raise FileBroken(
            f"{sent_as(part)} is not {form.encoding} text, as its source says. "
            f"Ask {contract.owner} to send it in {form.encoding}."
        ) from None
    return target


def _exact(connection: duckdb.DuckDBPyConnection, text: str) -> str:
    """Return the SQL of a JSON text whose long numbers are texts, and so keep their digits."""
    found = connection.execute(
        "select 1 from duckdb_functions() where function_name = 'numbers_as_text'"
    ).fetchall()
    if not found:
        connection.create_function("numbers_as_text", _numbers_as_text, ["VARCHAR"], "VARCHAR")
    many = MANY_DIGITS.replace("line", text)
    return f"(case when {many} then numbers_as_text({text}) else {text} end)"


def _numbers_as_text(text: str) -> str:
    try:
        return json.dumps(json.loads(text, parse_float=str), ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _objects(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    landed: Landed,
    lines: str,
    rejects: Callable[[], list[Drift]] = lambda: [],
) -> Delivery:
    # Counted while the rows are read for the first time, so that nothing is read twice for what
    # hardly ever happens: lines that are no objects, and objects with other keys.
    connection.execute("create or replace sequence lines_that_are_no_objects")
    connection.execute("create or replace sequence objects_with_other_keys")
    shape = json.dumps(dict.fromkeys(contract.names, "VARCHAR"))
    agreed = ", ".join(literal(name) for name in contract.names)
    fields = ", ".join(f"value.{identifier(name)}" for name in contract.names)
    relation = f"""(
        select {fields} from (
            select json_transform({_exact(connection, "line")}, {literal(shape)}) as value
            from {lines}
            where case
                when not {IS_OBJECT} then nextval('lines_that_are_no_objects') is null
                when json_keys(line) = [{agreed}] then true
                else nextval('objects_with_other_keys') > 0 and {NAMES_EACH_ONCE}
            end
        )
    )"""
    return Delivery(
        relation,
        dict.fromkeys(contract.names, "VARCHAR"),
        settle=lambda: [*rejects(), *_settle(connection, contract, landed, lines)],
    )


def _settle(
    connection: duckdb.DuckDBPyConnection, contract: Contract, landed: Landed, lines: str
) -> list[Drift]:
    counted = connection.execute(
        "select sequence_name, last_value from duckdb_sequences() where last_value > 0"
    ).fetchall()
    if "lines_that_are_no_objects" in dict(counted):
        connection.execute(
            "insert into unreadable select line, 'the line is not a JSON object' "
            f"from {lines} where not {IS_OBJECT}"
        )
    if "objects_with_other_keys" not in dict(counted):
        return []
    connection.execute(
        "insert into unreadable select line, 'the object has a key twice' "
        f"from {lines} where case when {IS_OBJECT} then not {NAMES_EACH_ONCE} end"
    )
    keys = connection.execute(
        f"select distinct unnest(json_keys(line)) from {lines} where {IS_OBJECT}"
    ).fetchall()
    # The keys of an object have no order.
    found = {key for (key,) in keys}
    known = [name for name in contract.names if name in found]
    drifts = columns.compare(contract, [*known, *sorted(found - set(known))])
    columns.refuse(contract, drifts, sent_as(landed.parts[0]))
    return drifts


def _listed(parts: Sequence[Path]) -> str:
    return ", ".join(file(part) for part in parts)
