"""Which columns each pinned batch has, and of which type: `raw.batch_columns`, carried on.

A batch never changes, so its schema is read once, in the first build that pins it; each build has
what its base knew. A build without a base reads them all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from flows.intake.casting import literal

# The names of the columns of one batch, each with its type as DuckDB reads it.
Columns = Mapping[str, str]

TABLE = "create table if not exists raw.batch_columns (path varchar, columns varchar)"
# The root of a schema has children; what a batch holds has none.
READ = """
    insert into raw.batch_columns
    select file_name, cast(json_group_object(name, duckdb_type) as varchar)
    from parquet_schema([{paths}])
    where num_children is null
    group by file_name
"""


def of(connection: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> dict[str, Columns]:
    """Return the columns of these batches; the files of those not known yet are read."""
    connection.execute(TABLE)
    found = _known(connection)
    unread = [path for path in paths if path not in found]
    if unread:
        connection.execute(READ.format(paths=", ".join(literal(path) for path in unread)))
        found = _known(connection)
    return {path: found[path] for path in paths}


def take_over(build: Path, anew: Path) -> None:
    """Let a build that is made from nothing know what another one knows of batches."""
    with duckdb.connect(str(anew)) as connection:
        connection.execute("create schema if not exists raw")
        connection.execute(TABLE)
        connection.execute(f"attach {literal(str(build))} as known (read_only)")
        there = connection.execute(
            "select count(*) from duckdb_tables() where database_name = 'known' "
            "and schema_name = 'raw' and table_name = 'batch_columns'"
        ).fetchall()
        if there[0][0]:
            connection.execute("insert into raw.batch_columns from known.raw.batch_columns")


def _known(connection: duckdb.DuckDBPyConnection) -> dict[str, Columns]:
    # Few kinds of batches: they are told apart before anything is parsed.
    kinds = connection.execute(
        "select columns, list(path) from raw.batch_columns group by columns"
    ).fetchall()
    return {
        path: columns for text, paths in kinds for columns in [json.loads(text)] for path in paths
    }
