"""Count a sample of customers anew, from every pinned batch, and compare with what a build holds.

Incremental models carry their rows from build to build, so they alone could drift. For some
customers they are made once more, from nothing, beside the build, and held against it row by row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from flows.builds import batch_columns, dbt, fork, live, pinned_batches, pins
from flows.builds.build import CANDIDATE
from flows.builds.fingerprints import OWN_NAMES
from flows.contracts.contract import Contract
from flows.intake.casting import identifier
from flows.settings import Instance

INCREMENTAL = "config.materialized:incremental"
ANEW = ["build", "--full-refresh", "--select", f"+{INCREMENTAL}"]
ANEW += ["--exclude-resource-type", "unit_test", "test"]
# Another few each night, the same for the same build. With every record that was merged into them.
SAMPLE = """
    with chosen as (
        select customer_id from marts.customer_identity
        where hash(scv_customer_id || '{day}') % greatest(
            (select count(*) from marts.customer_identity) // {customers}, 1
        ) = 0
    )
    select customer_id from chosen
    union all
    select resolved.customer_id from intermediate.int_customers_resolved as resolved
    inner join chosen on resolved.surviving_customer_id = chosen.customer_id
    order by 1
"""


@dataclass(frozen=True)
class Difference:
    """Where a build is not what its batches say: an attribute of a customer; never a value."""

    model: str
    attribute: str
    customer_id: int | None = None

    @property
    def sentence(self) -> str:
        """The difference in words."""
        whose = "" if self.customer_id is None else f" for customer {self.customer_id}"
        return f"{self.attribute} of {self.model} differs{whose}"


@dataclass(frozen=True)
class Recount:
    """What became of a recount."""

    build_id: str
    records: int
    models: tuple[str, ...]
    differences: tuple[Difference, ...]

    @property
    def sentence(self) -> str:
        """The outcome in a sentence."""
        what = f"{self.records:,} records were counted anew from {self.build_id}'s batches"
        if not self.differences:
            return f"{what}: nothing has drifted."
        return (
            f"{what}, and {self.differences[0].sentence} ({len(self.differences)} such). "
            f"Build the date from nothing: scv run {self.build_id[:10]} --from-nothing"
        )


def recount(
    instance: Instance,
    contracts: Mapping[str, Contract],
    build_id: str,
    customers: int,
) -> Recount:
    """Make the incremental models of a build anew for about so many customers, and compare.

    Call with the instance's lock held: it works where builds are made.

    Raises:
        BuildFailed: when a model failed.
    """
    built = live.path_of(instance, build_id)
    clock, records = _asked(built, customers)
    pinned = pinned_batches.read(live.batches_of(instance, build_id), contracts)
    # At the place of every build, under which dbt's parse of the project is valid.
    anew = instance.builds / CANDIDATE
    try:
        fork.fork(None, anew)
        batch_columns.take_over(built, anew)
        pins.pin(anew, clock, pinned, records)
        made = dbt.run(instance, anew, ANEW)
        models = _incremental(made / "manifest.json")
        found = tuple(compare(built, anew, models))
    finally:
        fork.discard(anew)
    return Recount(build_id, len(records), tuple(models), found)


def compare(
    built: Path, anew: Path, models: Sequence[str], everybody: bool = False
) -> list[Difference]:
    """Return for each model (`schema.name`) one difference between two builds, if there is any.

    Only customers of the sample in `anew` and their accounts are compared, and no model without
    either; with `everybody` every row of every model is.
    """
    with duckdb.connect() as connection:
        for name, path in (("built", built), ("anew", anew)):
            quoted = str(path).replace("'", "''")
            connection.execute(f"attach '{quoted}' as {name} (read_only)")
        found = [_difference(connection, model, everybody) for model in models]
    return [each for each in found if each is not None]


def _asked(built: Path, customers: int) -> tuple[pins.Clock, list[int]]:
    with duckdb.connect(str(built), read_only=True) as connection:
        told = connection.execute(
            "select build_id, business_date, code_version, base_build_id from raw.build"
        ).fetchall()[0]
        clock = pins.Clock(*told)
        sql = SAMPLE.format(day=clock.business_date, customers=customers)
        return clock, [int(row[0]) for row in connection.execute(sql).fetchall()]


def _incremental(manifest: Path) -> list[str]:
    nodes = json.loads(manifest.read_text())["nodes"].values()
    return sorted(
        f"{node['schema']}.{node['name']}"
        for node in nodes
        if node["resource_type"] == "model" and node["config"]["materialized"] == "incremental"
    )


def _difference(
    connection: duckdb.DuckDBPyConnection, model: str, everybody: bool
) -> Difference | None:
    schema, name = model.split(".")
    columns = [
        str(row[0])
        for row in connection.execute(
            "select column_name from duckdb_columns() "
            "where database_name = 'anew' and schema_name = ? and table_name = ?",
            [schema, name],
        ).fetchall()
        if row[0] not in OWN_NAMES
    ]
    has_customers = "customer_id" in columns
    chosen = "" if everybody else _chosen(connection, columns)
    if chosen is None:
        return None
    listed = ", ".join(map(identifier, columns))
    one, other = sides = [
        f"select {listed} from {side}.{identifier(schema)}.{identifier(name)} {chosen}"
        for side in ("built", "anew")
    ]
    rows, customer = connection.execute(
        f"select count(*), {'min(customer_id)' if has_customers else 'null'} "
        f"from (({one} except all {other}) union all ({other} except all {one}))"
    ).fetchall()[0]
    if not rows:
        return None
    if customer is not None:
        sides = [f"select * from ({side}) where customer_id = {int(customer)}" for side in sides]
    return Difference(name, _attribute(connection, sides, columns), customer)


def _chosen(connection: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> str | None:
    """Return the condition for rows of the sample: by customer, else by account; else None."""
    found = connection.execute(
        "select table_name from duckdb_tables() where database_name = 'anew' "
        "and schema_name = 'raw' and starts_with(table_name, 'sample')"
    ).fetchall()
    accounts = {name.removeprefix("sample_"): name for (name,) in found if name != "sample"}
    for column, table in {"customer_id": "sample", **accounts}.items():
        if column in columns:
            return f"where {identifier(column)} in (select id from anew.raw.{identifier(table)})"
    return None


def _attribute(
    connection: duckdb.DuckDBPyConnection, sides: Sequence[str], columns: Sequence[str]
) -> str:
    """Return the first column whose values differ; else how many rows there are."""
    counts = [connection.execute(f"select count(*) from ({side})").fetchall() for side in sides]
    if counts[0] != counts[1]:
        return "number of rows"
    for column in columns:
        values = [
            connection.execute(
                f"select list({identifier(column)} order by {identifier(column)}) from ({side})"
            ).fetchall()
            for side in sides
        ]
        if values[0] != values[1]:
            return column
    return "the pairing of values in its rows"
