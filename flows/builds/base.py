"""What a build must know of its base before dbt overwrites it, told in `raw`.

`raw.changed_batches` says which pinned batches the base was not made of, so that a corrected or
late batch of a past date reaches the incremental models. `raw.base_…` are rows of the base: whom
it would have written to (on stale consents nobody else may turn contactable), where each customer
stood (for the migration tables), who was merged into whom and how products were grouped (for what
is carried on).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

# Both tables are made anew for each build. A base that does not say what it was made of, being
# older than this table, counts as made of other bytes: everything is taken again, once.
COMPARE = """
    create or replace temporary table before as from {before};
    create or replace table raw.changed_batches as
    select
        table_name,
        batch_date,
        case
            when before.sha256 is null and {is_told} then 'new'
            when pinned.sha256 is null then 'gone'
            else 'replaced'
        end as change
    from pinned
    full join before using (table_name, batch_date)
    where pinned.sha256 is distinct from before.sha256;
    create or replace table raw.batch_files as from pinned;
    drop table before;
    drop table pinned;
"""
NOTHING_BEFORE = "pinned where false"


@dataclass(frozen=True)
class Kept:
    """A table of `raw` with rows of the base: its columns by type, and where they stand there."""

    name: str
    columns: dict[str, str]
    relations: tuple[str, ...]
    where: str = "true"


FLAGS = ("contactable_email", "contactable_sms", "contactable_direct_mail")
KEPT = (
    Kept(
        "base_contactable",
        {"customer_id": "bigint"} | dict.fromkeys(FLAGS, "boolean"),
        ("marts.customer_reachability",),
        " or ".join(FLAGS),
    ),
    Kept(
        "base_segments",
        {"customer_id": "bigint", "lifecycle_stage": "varchar", "micro_segment_id": "varchar"},
        ("marts.customer_lifecycle", "marts.customer_micro_segments"),
    ),
    Kept(
        "base_merges",
        {"customer_id": "bigint", "surviving_customer_id": "bigint"},
        ("intermediate.int_customers_resolved",),
    ),
    Kept(
        "base_products",
        {"product_id": "bigint"} | dict.fromkeys(("department", "category", "brand"), "varchar"),
        ("intermediate.int_products",),
    ),
)


@dataclass(frozen=True)
class BatchFile:
    """One pinned batch of a delta table, by the hash of what was delivered."""

    table: str
    batch_date: dt.date
    sha256: str


def compare_batches(connection: duckdb.DuckDBPyConnection, files: Sequence[BatchFile]) -> None:
    """Write `raw.changed_batches` (new, replaced, gone), then what this build is made of."""
    connection.execute(
        "create or replace temporary table pinned "
        "(table_name varchar, batch_date date, sha256 varchar)"
    )
    if files:
        rows = [(file.table, file.batch_date, file.sha256) for file in files]
        connection.executemany("insert into pinned values (?, ?, ?)", rows)
    told = _has(connection, "raw", "batch_files")
    # Without a base there is nothing that could have been made of other bytes.
    is_told = told or not _has(connection, "raw", "build")
    before = "raw.batch_files" if told else NOTHING_BEFORE
    connection.execute(COMPARE.format(before=before, is_told=is_told))


def clock_of(connection: duckdb.DuckDBPyConnection) -> tuple[dt.date | None, str | None]:
    """Return the business date and the code of the base; built from nothing, neither."""
    if not _has(connection, "raw", "build"):
        return None, None
    day, code = connection.execute("select business_date, code_version from raw.build").fetchall()[
        0
    ]
    return day, code


def forget_code(build: Path) -> None:
    """Let a build not know what code made its base: whatever is changed in it shows everywhere."""
    with duckdb.connect(str(build)) as connection:
        connection.execute("update raw.build set base_code_version = null")


def keep(connection: duckdb.DuckDBPyConnection) -> None:
    """Write what the build must know of its base's rows; built from nothing, empty tables."""
    for kept in KEPT:
        columns = ", ".join(f"{name} {kind}" for name, kind in kept.columns.items())
        connection.execute(f"create or replace table raw.{kept.name} ({columns})")
        if all(_has(connection, *relation.split(".")) for relation in kept.relations):
            source = " inner join ".join(kept.relations)
            key = " using (customer_id)" if len(kept.relations) > 1 else ""
            connection.execute(
                f"insert into raw.{kept.name} select {', '.join(kept.columns)} "
                f"from {source}{key} where {kept.where}"
            )


def _has(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    query = (
        "select count(*) from information_schema.tables "
        "where table_schema = ? and table_name = ? and table_catalog = current_database()"
    )
    return bool(connection.execute(query, [schema, table]).fetchall()[0][0])
