"""One row count and one hash for each table of a build, in no order: equal builds are equal here.

A view is a function of tables, so it has none: to execute each would cost more than to build.

The hash is the sum of DuckDB's hashes of the rows: it says whether two builds made by the same
version of the engine are the same, row for row, without comparing them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from flows.intake.casting import identifier

# What names the build itself differs between two equal builds.
OWN_NAMES = ("build_id", "code_version")
SCHEMAS = ("intermediate", "marts", "campaigns")
# What is read by others. What models keep for themselves is thrice as much, and shows in it.
PUBLIC = ("marts", "campaigns")


def take(build: Path, schemas: Sequence[str] = SCHEMAS) -> dict[str, tuple[int, str]]:
    """Return (rows, hash) of every table of some schemas of a build by `schema.name`."""
    with duckdb.connect(str(build), read_only=True) as connection:
        found = connection.execute(
            "select table_schema, table_name, list(column_name order by ordinal_position) "
            "from information_schema.columns "
            "inner join information_schema.tables using (table_catalog, table_schema, table_name) "
            "where list_contains(?, table_schema) and table_type = 'BASE TABLE' "
            "group by all order by all",
            [list(schemas)],
        ).fetchall()
        return {
            f"{schema}.{name}": _fingerprint(connection, schema, name, columns)
            for schema, name, columns in found
        }


def _fingerprint(
    connection: duckdb.DuckDBPyConnection, schema: str, name: str, columns: list[str]
) -> tuple[int, str]:
    own = ", ".join(identifier(column) for column in columns if column not in OWN_NAMES)
    relation = f"{identifier(schema)}.{identifier(name)}"
    rows, total = connection.execute(
        f"select count(*), coalesce(sum(hash({own})), 0) from {relation}"
    ).fetchall()[0]
    return int(rows), f"{int(total):x}"
