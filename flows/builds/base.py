"""What a build must know of its base before dbt overwrites it, told in `raw`.

`raw.changed_batches` says which pinned batches the base was not made of, so that a corrected or
late batch of a past date reaches the incremental models; `raw.base_contactable` says whom the base
would have written to, for on stale consents nobody else may turn contactable; `raw.base_segments`
where each customer stood, for the migration tables.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

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
FLAGS = ("contactable_email", "contactable_sms", "contactable_direct_mail")


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


def keep_contactable(connection: duckdb.DuckDBPyConnection) -> None:
    """Write `raw.base_contactable`: the base's contactable customers; built from nothing, none."""
    flags = ", ".join(f"{flag} boolean" for flag in FLAGS)
    connection.execute(
        f"create or replace table raw.base_contactable (customer_id bigint, {flags})"
    )
    if _has(connection, "marts", "customer_reachability"):
        connection.execute(
            f"insert into raw.base_contactable select customer_id, {', '.join(FLAGS)} "
            f"from marts.customer_reachability where {' or '.join(FLAGS)}"
        )


def keep_segments(connection: duckdb.DuckDBPyConnection) -> None:
    """Write `raw.base_segments`: stage and micro-segment in the base; built from nothing, none."""
    connection.execute(
        "create or replace table raw.base_segments "
        "(customer_id bigint, lifecycle_stage varchar, micro_segment_id varchar)"
    )
    if _has(connection, "marts", "customer_lifecycle"):
        connection.execute(
            "insert into raw.base_segments select customer_id, lifecycle_stage, micro_segment_id "
            "from marts.customer_lifecycle inner join marts.customer_micro_segments "
            "using (customer_id)"
        )


def _has(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    query = (
        "select count(*) from information_schema.tables "
        "where table_schema = ? and table_name = ? and table_catalog = current_database()"
    )
    return bool(connection.execute(query, [schema, table]).fetchall()[0][0])
