"""CSV and its like: text with a delimiter, with a header or none, in one part or many."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
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
from flows.intake.sources.request import sent_as

LONGEST_LINE = 2_000_000


def read(connection: duckdb.DuckDBPyConnection, contract: Contract, landed: Landed) -> Delivery:
    """Return the rows of CSV files, every value as text.

    Raises:
        ColumnsDiffer: when a part's columns are not those of the contract.
        FileBroken: when the text is not in the encoding of the source.
    """
    # By how many lines stand above the rows' header, and by the header itself.
    headed: dict[tuple[int, tuple[str, ...]], list[Path]] = {}
    drifts: dict[str, Drift] = {}
    for part in landed.parts:
        header = _header(contract, landed, part)
        if header is None:
            continue
        found = columns.compare(contract, header[1])
        columns.refuse(contract, found, sent_as(part))
        drifts |= {str(drift): drift for drift in found}
        headed.setdefault(header, []).append(part)
    if not headed:
        # Nothing is scanned, so DuckDB has no rejects to settle either.
        empty = ", ".join(f"null::varchar as {identifier(name)}" for name in contract.names)
        relation = f"(select {empty} where false)"
        return Delivery(relation, dict.fromkeys(contract.names, "VARCHAR"))
    present = [n for n in contract.names if any(n in names for _, names in headed)]
    scans = [_scan(landed, present, *header, parts) for header, parts in headed.items()]
    return Delivery(
        f"({' union all '.join(scans)})",
        dict.fromkeys(present, "VARCHAR"),
        tuple(drifts.values()),
        lambda: set_rejects_aside(connection, contract, landed),
    )


def _scan(
    landed: Landed, present: Sequence[str], above: int, names: Sequence[str], parts: Sequence[Path]
) -> str:
    form = landed.form
    # What is not of the contract only holds its place.
    places = [name if name in present else f"new {place}" for place, name in enumerate(names)]
    typed = ", ".join(f"{literal(name)}: 'varchar'" for name in places)
    chosen = ", ".join(
        f"{identifier(name) if name in names else 'null'} as {identifier(name)}" for name in present
    )
    paths = ", ".join(file(part) for part in parts)
    return (
        f"select {chosen} from "
        f"read_csv([{paths}], header = {str(form.header).lower()}, auto_detect = false, "
        f"columns = {{{typed}}}, delim = {literal(form.delimiter)}, skip = {above}, "
        f"quote = {literal(form.quote)}, escape = {literal(form.escape)}, "
        f"nullstr = {literal(form.null_text)}, compression = '{form.compression or 'none'}', "
        f"encoding = '{form.encoding}', max_line_size = {LONGEST_LINE}, store_rejects = true, "
        f"rejects_limit = 0)"
    )


def set_rejects_aside(
    connection: duckdb.DuckDBPyConnection, contract: Contract, landed: Landed
) -> list[Drift]:
    """Fill `unreadable` with the lines that DuckDB could not split, after the first scan.

    Raises:
        FileBroken: when the text is not in the encoding of the source.
    """
    count = "select count(*) from reject_errors where error_type = 'INVALID ENCODING'"
    if connection.execute(count).fetchall()[0][0]:
        raise _other_encoding(contract, landed)
    connection.execute(
        "insert into unreadable select trim(any_value(csv_line), '\r\n'), 'the row has ' || "
        "any_value(lower(cast(error_type as varchar))) from reject_errors "
        "group by scan_id, file_id, line"
    )
    return []


def _header(contract: Contract, landed: Landed, part: Path) -> tuple[int, tuple[str, ...]] | None:
    form = landed.form
    quote = {"quotechar": form.quote} if form.quote else {"quoting": csv.QUOTE_NONE}
    above, cells = 0, [""]
    try:
        with pa.input_stream(str(part), compression=form.compression) as packed:
            text = io.TextIOWrapper(io.BufferedReader(packed), encoding=form.encoding, newline="")
            lines = iter(lambda: text.readline(LONGEST_LINE), "")
            reader = csv.reader(lines, delimiter=form.delimiter, **quote)
            for cells in reader:
                if any(name.strip() for name in cells):
                    break
                above = reader.line_num
            else:
                return None
    except (UnicodeDecodeError, OSError):
        raise _other_encoding(contract, landed) from None
    except csv.Error:
        raise FileBroken(
            f"{sent_as(part)} begins with a line that is no header and no row. "
            f"Ask {contract.owner} to send it again."
        ) from None
    if form.header:
        return above, tuple(name.strip().lstrip("\ufeff") for name in cells)
    if len(cells) != len(contract.names):
        raise FileBroken(
            f"{sent_as(part)} has no header and {len(cells)} columns, its contract has "
            f"{len(contract.names)}. Ask {contract.owner} which columns were sent."
        )
    return above, tuple(contract.names)


def _other_encoding(contract: Contract, landed: Landed) -> FileBroken:
    encoding = landed.form.encoding
    return FileBroken(
        f"{sent_as(landed.parts[0])} is not {encoding} text, as its source says. "
        f"Ask {contract.owner} to send it in {encoding}."
    )
