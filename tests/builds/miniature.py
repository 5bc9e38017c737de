"""A client of few customers, cut from the demo's real batches, so that a night takes seconds.

Everything up to `START` is one batch of each table, as a client begins; what came in the week
after it comes day by day. A part of the customers is moved a year back, for the demo is a single
year: so on each night somebody's orders leave the window of a year.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from flows.settings import PROJECT
from tests.builds.batches import CONTRACTS, Batches

START = dt.date(2017, 11, 14)
DAYS = [START + dt.timedelta(days=days) for days in range(9)]
MERGED_PAIRS, OTHERS = 8, 24

# Records of the client that are merged, and a few more who have of everything. Every third basket
# will do: `affinity` and `stores` need some history, not much.
CHOSEN = f"""
    create table chosen as
    with pairs as (
        select household_id, merged_into_household_id
        from household_merges
        where merged_into_household_id is not null
        order by merged_at desc, household_id
        limit {MERGED_PAIRS}
    ),
    merged as (
        select household_id from pairs
        union
        select merged_into_household_id from pairs
    ),
    others as (
        select household_id
        from households
        where household_id in (select household_id from loyalty_accounts)
            and household_id in (select household_id from service_cases)
            and household_id in (select household_id from web_sessions)
            and household_id not in (select household_id from merged)
        group by household_id
        order by hash(household_id)
        limit {OTHERS}
    )
    select household_id, cast(row_number() over (order by household_id) as integer) as place
    from (from merged union all from others)
"""
# By place: who bought a year ago, of whom half come no more; who is known only after some days.
AGED = f"place % 2 = 0 and business_date <= date '{START}'"
A_YEAR = 358
GONE = "place % 4 = 0"
KNOWN_LATE = "place % 6 = 1"
CUT = {
    "transactions": f"""
        select sales.* replace (
            business_date - if({AGED}, {A_YEAR}, 0) as business_date,
            sold_at - to_days(if({AGED}, {A_YEAR}, 0)) as sold_at
        )
        from transactions as sales
        inner join chosen using (household_id)
        where basket_id % 3 = 0 and (business_date <= date '{START}' or not {GONE})
    """,
    "loyalty_ledger": "from loyalty_ledger where loyalty_id in (select loyalty_id from "
    "loyalty_accounts inner join chosen using (household_id))",
    "dispatches": "from dispatches where customer_id in (select household_id from chosen)",
    "products": "select distinct on (product_id) * from products where product_id in "
    "(select product_id from transactions inner join chosen using (household_id) "
    "where basket_id % 3 = 0) order by all",
}
OF_CHOSEN = "from {table} where household_id in (select household_id from chosen)"
# The day on which a row comes; elsewhere that of the contract's `row_date`.
COMES = {
    "products": f"date '{START}'",
    "dispatches": "occurrence_date",
    "households": "greatest(cast(updated_at as date), (select if("
    f"{KNOWN_LATE}, date '{START}' + 1 + place % 4, null) from chosen "
    "where chosen.household_id = cut.household_id))",
}


def cut(world: Path, batches: Batches) -> list[int]:
    """Write the batches of the small client from those of the world; return its customers."""
    whole = batches.instance.root / "whole"
    whole.mkdir()
    with duckdb.connect() as connection:
        for table in CONTRACTS:
            files = f"'{world}/batches/{table}/*/*.parquet'"
            connection.execute(
                f"create view {table} as from read_parquet({files}, hive_partitioning = false)"
            )
        connection.execute(CHOSEN)
        customers = connection.execute("select household_id from chosen order by place").fetchall()
        for table, contract in CONTRACTS.items():
            query = CUT.get(table, OF_CHOSEN.format(table=table))
            when = COMES.get(table, f"cast({contract.row_date} as date)")
            connection.execute(
                f"copy (select cut.*, {when} as comes_on from ({query}) as cut) "
                f"to '{whole / table}.parquet' (format parquet)"
            )
    for table, contract in CONTRACTS.items():
        for day in DAYS if contract.load != "full" else [START]:
            is_due = f"<= date '{day}'" if day == START else f"= date '{day}'"
            batches.deliver(
                table,
                day,
                f"select * exclude (comes_on) from '{whole / table}.parquet' "
                f"where comes_on {is_due}",
            )
    return [int(row[0]) for row in customers]


class Dbt:
    """dbt in this process, the project parsed once: a night of few customers is over in seconds.

    The nightly batch calls dbt in a process of its own (docs/decisions/0002), which costs more
    than such a night's models; what dbt does with a build is the same.
    """

    def __init__(self, target: Path) -> None:
        self._where = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
        self._where += ["--target-path", str(target), "--log-path", str(target)]
        self._where += ["--log-level", "none", "--log-level-file", "none"]
        self._parsed = self._invoke(dbtRunner(), ["parse", "--no-partial-parse"])

    def run(self, arguments: Sequence[str]) -> None:
        """Run dbt in the build that is pinned."""
        self._invoke(dbtRunner(manifest=self._parsed), arguments)

    def _invoke(self, runner: dbtRunner, arguments: Sequence[str]) -> Any:
        try:
            done = runner.invoke([*arguments, *self._where])
        finally:
            # dbt keeps the file open, and nobody else could open it in this process.
            DuckDBConnectionManager.close_all_connections()
        if not done.success:
            raise AssertionError(f"dbt failed: {done.exception or _failed(done.result)}")
        return done.result


def _failed(results: Any) -> str:
    return next(f"{each.node.name}: {each.message}" for each in results if each.status == "error")
