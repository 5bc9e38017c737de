"""Build a day of the demo client with dbt-snowflake, on fakesnow: `on_fakesnow.py BUILD OUT`.

BUILD is a DuckDB build whose raw tables are the input, OUT the Parquet file that the view is
written to. The incremental models are made first, and then once more as if the newest batch of
each table had been replaced: the view must come out the same. Runs in a process of its own, for it
replaces the Snowflake connector in it.

Three shims stand between dbt-snowflake and fakesnow, each where fakesnow is not Snowflake: there
are no temporary tables in a schema, there are no transactions, and an engine's error must be the
connector's own class, or the connector retries for ever.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import duckdb
import fakesnow
from fakesnow.cursor import FakeSnowflakeCursor
from snowflake.connector.errors import ProgrammingError

DATABASE = "SCV"
PROJECT = Path(__file__).resolve().parents[2]


def shim() -> None:
    """Put the shims into fakesnow's cursor."""
    original = FakeSnowflakeCursor.execute

    def execute(self: Any, command: str, *args: Any, **kwargs: Any) -> Any:
        command = re.sub(r"\btemporary\s+(table|view)\b", r"\1", command, flags=re.IGNORECASE)
        if re.fullmatch(r"\s*(begin|commit|rollback)[\s;]*", command, re.IGNORECASE):
            command = "select 1"
        try:
            return original(self, command, *args, **kwargs)
        except duckdb.Error as error:
            raise ProgrammingError(msg=str(error)) from error

    FakeSnowflakeCursor.execute = execute


def load_raw(connection: Any, build: Path) -> None:
    """Copy the raw tables of a build into fakesnow's, under upper-case names."""
    duck = connection._duck_conn
    duck.execute(f"attach '{build}' as build (read_only)")
    duck.execute(f'create schema if not exists "{DATABASE}"."RAW"')
    tables = duck.execute(
        "select table_name, list(column_name order by column_index) from duckdb_columns() "
        "where database_name = 'build' and schema_name = 'raw' group by table_name"
    ).fetchall()
    for name, columns in tables:
        upper = ", ".join(f'"{column}" as "{column.upper()}"' for column in columns)
        duck.execute(
            f'create table "{DATABASE}"."RAW"."{name.upper()}" as '
            f'select {upper} from build.raw."{name}"'
        )


def main(build: Path, out: Path) -> int:
    """Build, test, and write the view; return dbt's exit code."""
    os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    shim()
    with fakesnow.patch():
        import snowflake.connector

        connection = snowflake.connector.connect(database=DATABASE, schema="PUBLIC")
        load_raw(connection, build)
        from dbt.cli.main import dbtRunner

        here = str(Path(__file__).parent)
        where = ["--project-dir", str(PROJECT), "--profiles-dir", here]
        target = ["--target", "snowflake", "--target-path", str(out.parent / "target")]
        quiet = ["--log-path", str(out.parent / "log"), "--no-use-colors"]
        incremental = ["--select", "+config.materialized:incremental"]
        # With the seeds that they read.
        untested = ["--exclude-resource-type", "unit_test", "test"]
        before = dbtRunner().invoke([*quiet, "build", *target, *where, *incremental, *untested])
        connection._duck_conn.execute(
            f'update "{DATABASE}"."RAW"."CHANGED_BATCHES" set "CHANGE" = \'replaced\''
        )
        result = dbtRunner().invoke(
            [*quiet, "build", *target, *where, "--exclude-resource-type", "unit_test"]
        )
        if before.success and result.success:
            connection._duck_conn.execute(
                f'copy (select * from "{DATABASE}"."MARTS"."SINGLE_CUSTOMER_VIEW") '
                f"to '{out}' (format parquet)"
            )
        return 0 if before.success and result.success else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
