"""Files of each kind, against DuckDB's own typed reader that writes zstd Parquet."""

from __future__ import annotations

from functools import partial
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
from python_calamine import CalamineWorkbook

from benchmarks.intake import sales
from benchmarks.intake.case import Case, Place, Work
from flows.intake.sources.declared import Files, FileTable

PARTS = 20
# How each kind is written by DuckDB, and how its source declares it.
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "csv": ("format csv", {"format": "csv"}),
    "csv-gzip": ("format csv, compression gzip", {"format": "csv", "compression": "gzip"}),
    "csv-zstd": ("format csv, compression zstd", {"format": "csv", "compression": "zstd"}),
    "csv-parts": ("format csv", {"format": "csv"}),
    "json-lines": ("format json", {"format": "jsonl"}),
    "json-array": ("format json, array true", {"format": "json"}),
    "parquet": ("format parquet, compression zstd", {"format": "parquet"}),
}


def prepare(kind: str, place: Place) -> None:
    """Write the lines of sale as files of one kind."""
    sales.prepare(place)
    wanted = [f"from '{place.table}' where basket_id % {PARTS} = {n}" for n in range(PARTS)]
    if kind != "csv-parts":
        wanted = [f"from '{place.table}'"]
    for number, query in enumerate(wanted):
        duckdb.execute(f"copy ({query}) to '{place.sent}/sales-{number}' ({KINDS[kind][0]})")


def ours(kind: str, suite: bool, place: Place) -> Work:
    """Return the whole intake of the files of one kind."""
    table = FileTable(path="sales-*", in_manifest=False, **KINDS[kind][1])
    return sales.taken_in(place, _files(table), suite=suite)


def _files(table: FileTable) -> Files:
    return Files(kind="files", description="a till", tables={sales.TABLE: table})


def _bare(kind: str, place: Place) -> Work:
    connection, declared = sales.connect(place), KINDS[kind][1]
    paths = f"'{place.sent}/sales-*'"
    scan = {
        "csv": f"read_csv({paths}, header = true, auto_detect = false, columns = {sales.types()}, "
        f"compression = '{declared.get('compression', 'none')}')",
        "jsonl": f"read_ndjson({paths}, columns = {sales.types()})",
        "json": f"read_json({paths}, columns = {sales.types()}, format = 'array')",
        "parquet": f"read_parquet({paths})",
    }[declared["format"]]
    return lambda: connection.execute(
        f"copy (from {scan}) to '{place.written}' (format parquet, compression zstd)"
    )


def _prepare_excel(place: Place) -> None:
    sales.prepare(place)
    with xlsxwriter.Workbook(f"{place.sent}/sales-0", {"constant_memory": True}) as book:
        sheet, reader = book.add_worksheet(), sales.arrow(place)
        sheet.write_row(0, 0, reader.schema.names)
        rows = (row for batch in reader for row in batch.to_pylist())
        for number, row in enumerate(rows, 1):
            texts = row | {name: str(row[name]) for name in ("business_date", "sold_at")}
            sheet.write_row(number, 0, list(texts.values()))


def _excel(place: Place) -> Work:
    table = FileTable(path="sales-0", in_manifest=False, format="excel", unpack_floor_mb=4096)
    return sales.taken_in(place, _files(table))


def _bare_excel(place: Place) -> Work:
    def work() -> None:
        book = CalamineWorkbook.from_path(f"{place.sent}/sales-0")
        names, *rows = book.get_sheet_by_index(0).to_python()
        columns = [pa.array(column) for column in zip(*rows, strict=True)]
        pq.write_table(pa.table(columns, names=names), place.written, compression="zstd")

    return work


def cases() -> list[Case]:
    """Return the cases: every kind without the suite, and one with it."""
    told, excel = "DuckDB, typed, to Parquet", "calamine, to Parquet"
    with_suite, made, bare = (
        partial(ours, "csv", True),
        partial(prepare, "csv"),
        partial(_bare, "csv"),
    )
    return [
        *(
            Case(
                kind,
                partial(ours, kind, False),
                partial(_bare, kind),
                told,
                partial(prepare, kind),
                most=1.5,
            )
            for kind in KINDS
        ),
        Case("excel", _excel, _bare_excel, excel, _prepare_excel, share=0.05, most=1.5),
        Case("csv+suite", with_suite, bare, told, made),
    ]
