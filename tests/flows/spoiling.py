"""What can go wrong with a delivery, done to the client's files; and what must stay as it was."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa

from flows.builds import live
from flows.ledger import Ledger, Row, builds, deliveries, nights, occurrences
from flows.settings import Instance

DAY = dt.date(2017, 11, 22)
RUN_AGAIN = f"run: scv run {DAY}"

Transform = Callable[[bytes], bytes]


def file_of(folder: Path, table: str) -> Path:
    """Return the file that the manifest names for a table."""
    named = {entry["table"]: entry for entry in manifest_of(folder)["tables"]}
    return folder / str(named[table]["file"])


def manifest_of(folder: Path) -> dict[str, Any]:
    """Return the manifest of a delivery."""
    return dict(json.loads((folder / "manifest.json").read_text()))


def tell(folder: Path, table: str, **told: Any) -> None:
    """Make the manifest say something else of one table."""
    manifest = manifest_of(folder)
    for entry in manifest["tables"]:
        if entry["table"] == table:
            entry.update(told)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def content(folder: Path, table: str) -> bytes:
    """Return what a table's file holds, unpacked."""
    path = file_of(folder, table)
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def put(folder: Path, table: str, raw: bytes, rows: int) -> None:
    """Put these bytes in the place of a table's file, under a manifest that is true to them."""
    path = file_of(folder, table)
    path.unlink()  # the file may be shared: never write into it
    path.write_bytes(raw)
    tell(folder, table, sha256=hashlib.sha256(raw).hexdigest(), rows=rows)


def rewrite(folder: Path, table: str, transform: Transform) -> None:
    """Change what a text file holds; its manifest stays true to its bytes and rows."""
    path, changed = file_of(folder, table), transform(content(folder, table))
    rows = sum(bool(line.strip()) for line in changed.splitlines())
    header = 1 if ".csv" in path.name and rows else 0
    put(folder, table, gzip.compress(changed) if path.suffix == ".gz" else changed, rows - header)


def rewrite_products(folder: Path, query: str) -> None:
    """Replace the product master by what a query makes of the relation `products`."""
    path, changed = file_of(folder, "products"), folder / ".changed.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"create view products as from '{path}'")
        connection.execute(f"copy ({query}) to '{changed}' (format parquet)")
        rows = connection.execute(f"select count(*) from '{changed}'").fetchall()[0][0]
    put(folder, "products", changed.read_bytes(), int(rows))
    changed.unlink()


def columns(change: Callable[[dict[str, str]], Mapping[str, str]]) -> Transform:
    """Change every row of a CSV file, as a mapping by column name; the header follows."""

    def transform(raw: bytes) -> bytes:
        header, *rows = [line.split(",") for line in raw.decode().splitlines()]
        changed = [change(dict(zip(header, row, strict=True))) for row in rows]
        lines = [list(changed[0]), *(list(row.values()) for row in changed)]
        return "".join(",".join(line) + "\n" for line in lines).encode()

    return transform


def with_value(column: str, value: str, first: int = 1) -> Transform:
    """Put a value into a column of the first rows of a CSV file."""
    left = first

    def change(row: dict[str, str]) -> dict[str, str]:
        nonlocal left
        left -= 1
        return row | {column: value} if left >= 0 else row

    return columns(change)


def objects(change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Transform:
    """Change every row of a JSON Lines file."""

    def transform(raw: bytes) -> bytes:
        rows = [change(json.loads(line)) for line in raw.decode().splitlines()]
        return "".join(json.dumps(row) + "\n" for row in rows).encode()

    return transform


@dataclass(frozen=True)
class Live:
    """What readers see: the build that live points to, its file and its bytes."""

    build_id: str | None
    inode: int
    sha256: str

    @classmethod
    def of(cls, instance: Instance) -> Live:
        """Look at live now."""
        with instance.live.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(live.current(instance), instance.live.stat().st_ino, sha256)


def newest(ledger: Ledger, table: str, day: dt.date = DAY) -> Row:
    """Return the newest delivery of a table for a date."""
    query = sa.select(deliveries).where(
        deliveries.c.table_name == table, deliveries.c.business_date == day
    )
    found = ledger.row(query.order_by(deliveries.c.version.desc()))
    assert found is not None, f"the ledger knows no {table} of {day}"
    return found


def states(ledger: Ledger, day: dt.date = DAY) -> dict[str, str]:
    """Return the state of the newest delivery of each table of a date."""
    query = sa.select(deliveries).where(deliveries.c.business_date == day)
    rows = ledger.rows(query.order_by(deliveries.c.version))
    return {row["table_name"]: row["state"] for row in rows}


def night_of(ledger: Ledger, day: dt.date = DAY) -> Row:
    """Return the last night of a date."""
    query = sa.select(nights).where(nights.c.business_date == day).order_by(nights.c.id.desc())
    found = ledger.row(query)
    assert found is not None, f"there was no night of {day}"
    return found


def builds_of(ledger: Ledger, day: dt.date = DAY) -> dict[str, str]:
    """Return the state of each build of a date."""
    rows = ledger.rows(sa.select(builds).where(builds.c.business_date == day))
    return {row["build_id"]: row["state"] for row in rows}


def sent_on(ledger: Ledger, day: dt.date = DAY) -> dict[str, str]:
    """Return the state of each campaign occurrence of a date."""
    rows = ledger.rows(sa.select(occurrences).where(occurrences.c.business_date == day))
    return {row["campaign_id"]: row["state"] for row in rows}


def rows_of(path: str | None) -> int:
    """Return how many rows a Parquet file has; no file has none."""
    if path is None:
        return 0
    return int(duckdb.sql(f"select count(*) from '{path}'").fetchall()[0][0])
