"""dbt-snowflake builds the same project, through fakesnow, and the view comes out the same.

What fakesnow cannot prove (swap, clone, grants, transactions, cost) is not claimed here.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.conftest import NIGHTS, PROJECT

# fakesnow adds decimals as doubles, so that a quotient may round to the other neighbour.
QUOTIENTS = {
    "aov_lifetime",
    "aov_365d",
    "avg_item_price_365d",
    "discount_share_365d",
    "category_concentration_365d",
    "churn_factor",
    "email_open_rate_90d",
    "email_click_rate_90d",
    "mailing_response_rate",
    "net_sales_yoy_ratio",
    "return_rate_365d",
    "store_order_share_365d",
}


@pytest.fixture(scope="module")
def both(nights: dict[object, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the view of one day as DuckDB and as dbt-snowflake built it."""
    folder = tmp_path_factory.mktemp("snowflake")
    build, out = nights[NIGHTS[-1]], folder / "view.parquet"
    program = PROJECT / "tests" / "snowflake" / "on_fakesnow.py"
    done = subprocess.run(
        [sys.executable, str(program), str(build), str(out)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    path = folder / "compare.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"attach '{build}' as build (read_only)")
        connection.execute("use build")
        columns = "select * from marts.single_customer_view"
        connection.execute(f"create table compare.on_duckdb as {columns}")
        connection.execute(f"create table compare.on_snowflake as select * from '{out}'")
    return path


def test_every_attribute_of_every_customer_is_equal(both: Path) -> None:
    with duckdb.connect(str(both)) as connection:
        described = connection.execute("describe on_duckdb").fetchall()
        names = [row[0] for row in described]
        different = {name: _differences(connection, name) for name in names}
        rows = connection.execute(
            "select (select count(*) from on_duckdb), (select count(*) from on_snowflake)"
        ).fetchall()[0]
    assert rows[0] == rows[1] > 2000
    assert {name: count for name, count in different.items() if count} == {}


def _differences(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    differ = f'd."{name}" is distinct from s."{name}"'
    if name in QUOTIENTS:
        near = f'abs(d."{name}" - s."{name}") <= 0.001001'
        differ = f"({differ}) and ({near}) is not true"
    query = (
        f"select count(*) from on_duckdb d join on_snowflake s using (customer_id) where {differ}"
    )
    return int(connection.execute(query).fetchall()[0][0])
