"""The graph of a build, run again in memory over raw tables that a test may change.

For the tests of lineage: what it says a campaign depends on is held against what happens when a
raw column really changes. Every model is a table, made in full from SQL of the first build, which
had no base. The models are run as they stand; nothing here knows what they say.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

# A campaign's outcome: who is chosen, and what is written to them.
Outcome = Mapping[str, frozenset[tuple[object, ...]]]

# A campaign is looked at alone: which of two gets a customer whom both want is decided between
# them, and lineage leaves it out on purpose.
ALONE = "eligibility_priority"

# So few households, and each campaign finds some whom it chooses.
PREPARED = """
    delete from raw.households where household_id % 3 <> 0;
    delete from raw.transactions where household_id % 3 <> 0;
    delete from raw.transactions where basket_id % 3 <> 0;
    delete from raw.products where product_id not in (select product_id from raw.transactions);
    delete from raw.consents where household_id % 3 <> 0;
    delete from raw.coupon_redemptions where household_id % 3 <> 0;
    delete from raw.campaign_mailings where household_id % 3 <> 0;
    delete from raw.returns where household_id % 3 <> 0;
    delete from raw.loyalty_accounts where household_id % 3 <> 0;
    delete from raw.loyalty_ledger where loyalty_id not in (
        select loyalty_id from raw.loyalty_accounts
    );
    delete from raw.service_cases where household_id % 3 <> 0;
    -- most have not been written to
    delete from raw.dispatches where customer_id % 6 <> 0;
    -- new customers
    delete from raw.transactions where household_id % 7 = 0 and business_date < date '2017-11-07';
    -- birthdays
    update raw.households set birth_date = date '1980-11-21' where household_id % 5 = 0;
    -- two with one address, of whom only the main one is written to
    update raw.households set email = 'shared' || (household_id // 30) || '@example.org'
    where household_id % 15 = 0;
    -- a week without an order
    delete from raw.transactions where household_id % 4 = 0 and business_date > date '2017-11-14';
    -- mailings of last week
    insert into raw.campaign_mailings by name
    select * replace (date '2017-11-19' as mailed_date) from raw.campaign_mailings
    where household_id % 12 = 0;
    -- some are one customer with their neighbour
    insert into raw.household_merges by name
    select
        household_id,
        household_id + 3 as merged_into_household_id,
        timestamp '2017-11-01 12:00:00' as merged_at,
        date '2017-11-18' as batch_date
    from raw.households
    where
        household_id % 18 = 0
        and household_id + 3 in (select household_id from raw.households)
    group by household_id;
    -- new customers, and others, who have been written to as often as anybody may be
    insert into raw.dispatches by name
    select sent.* replace (new_ones.household_id as customer_id, false as is_control)
    from (select distinct on (campaign_id, occurrence_date) * from raw.dispatches) as sent
    cross join (
        select distinct household_id from raw.households
        where household_id % 42 = 0 or household_id % 33 = 0
    ) as new_ones;
    -- refunds that decide who is among the best
    update raw.returns set refund_amount = refund_amount * 50 where household_id % 2 = 0;
    -- points of every member that lapse next week
    insert into raw.loyalty_ledger by name
    select
        -loyalty_id as ledger_id,
        loyalty_id,
        timestamp '2016-11-20 12:00:00' as event_at,
        'earn' as type,
        5000 as points,
        date '2017-11-30' as expires_on,
        date '2017-11-18' as batch_date
    from raw.loyalty_accounts
    group by loyalty_id;
    -- mailboxes and numbers that are dead for a few days yet
    delete from raw.web_sessions where household_id % 3 <> 0;
    delete from raw.email_events where household_id % 3 <> 0 or household_id % 4 = 0;
    delete from raw.sms_events where household_id % 3 <> 0 or household_id % 4 = 0;
    insert into raw.email_events by name
    select
        'bounced ' || household_id as event_id, household_id, 'sent ' || household_id as send_id,
        'bounce' as event_type, 'hard' as bounce_type,
        timestamp '2017-06-01 12:00:00' as event_at,
        date '2017-11-18' as batch_date
    from raw.households where household_id % 8 = 0 group by household_id;
    insert into raw.sms_events by name
    select
        'failed ' || household_id as event_id, household_id,
        'failed' as event_type, 'permanent' as error_code,
        timestamp '2017-06-01 12:00:00' as event_at,
        date '2017-11-18' as batch_date
    from raw.households where household_id % 8 = 4 group by household_id;
    -- every campaign is due
    update decisions.campaigns set schedule = 'daily';
"""

ROWS = {
    "half of them": "select * from {table} where hash(rowid) % 2 = 0",
    "all but the last delivery": (
        "select * from {table} where batch_date < (select max(batch_date) from {table})"
    ),
}
SHUFFLED = "lead({column}) over (order by hash(rowid))"
VALUES_BY_TYPE = {
    "DATE": "{column} - 20",
    "TIMESTAMP": "{column} - interval 20 day",
    "BOOLEAN": "not coalesce({column}, false)",
    "BIGINT": "{column} + 1",
    "INTEGER": "{column} + 1",
    "DECIMAL": "{column} * (1 + hash(rowid) % 4)",
    "VARCHAR": "{column} || ' too'",
}


@dataclass(frozen=True)
class Model:
    """One model: where it stands, its SQL, and what it reads."""

    name: str
    relation: str
    sql: str
    parents: frozenset[str]  # models, and raw tables as `raw.<table>`


class Replay:
    """All models over raw tables of the test's own."""

    def __init__(self, build: Path, manifest: Path, built_for: str, day: str) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("set threads = 1")
        graph = json.loads(manifest.read_text())
        self._models = {
            model.name: model for model in _models(graph, f"date '{built_for}'", f"date '{day}'")
        }
        self._copy(build)
        self.connection.execute(PREPARED)
        self._make(self._order(self._models))
        self.before = self.outcome()

    def columns(self, table: str) -> dict[str, str]:
        """The columns of a raw table with their types."""
        found = self.connection.execute(f"describe raw.{table}").fetchall()
        return {row[0]: row[1] for row in found}

    def other_rows(self, table: str) -> Iterator[str]:
        """Queries for other rows of a raw table, of the same values."""
        for query in ROWS.values():
            yield query.format(table=f"raw.{table}")

    def with_other_values(self, table: str, columns: Sequence[str]) -> str:
        """A query for a raw table with other values in some columns, of other rows or new."""
        replaced = []
        for name, kind in self.columns(table).items():
            if name in columns:
                new = VALUES_BY_TYPE[kind.split("(")[0]].format(column=name)
                either = f"case when hash(rowid) % 2 = 0 then {SHUFFLED} else {new} end"
                replaced.append(f"cast({either.format(column=name)} as {kind}) as {name}")
        return f"select * replace ({', '.join(replaced)}) from raw.{table}"

    def changed(self, table: str, rows: str) -> set[str]:
        """The campaigns whose outcome changes when a raw table has other rows, told by a query."""
        with self._taken_back():
            self.connection.execute(f"create or replace table raw.{table} as {rows}")
            self._make(self._order(self._below(f"raw.{table}")))
            after = self.outcome()
        return {name for name in self.before | after if self.before.get(name) != after.get(name)}

    def outcome(self) -> dict[str, frozenset[tuple[object, ...]]]:
        """Who is chosen by each campaign, and what is written to them."""
        found: dict[str, set[tuple[object, ...]]] = {}
        for query in (
            "select campaign_id, customer_id from campaigns.campaign_targets "
            "where status = 'chosen'",
            "select campaign_id, customer_id, channel, address, first_name, last_name, "
            "language_code from campaigns.campaign_messages",
        ):
            for row in self.connection.execute(query).fetchall():
                found.setdefault(row[0], set()).add(row[1:])
        return {name: frozenset(rows) for name, rows in found.items()}

    @contextmanager
    def _taken_back(self) -> Iterator[None]:
        self.connection.execute("begin")
        try:
            yield
        finally:
            self.connection.execute("rollback")

    def _copy(self, build: Path) -> None:
        self.connection.execute(f"attach '{build}' as build (read_only)")
        tables = self.connection.execute(
            "select table_schema, table_name from information_schema.tables "
            "where table_catalog = 'build' and table_schema in ('raw', 'decisions')"
        ).fetchall()
        for schema in (
            "raw",
            "decisions",
            *{m.relation.split(".")[0] for m in self._models.values()},
        ):
            self.connection.execute(f"create schema if not exists {schema}")
        for schema, name in tables:
            self.connection.execute(
                f"create table {schema}.{name} as select * from build.{schema}.{name}"
            )
        self.connection.execute("detach build")

    def _make(self, names: Iterable[str]) -> None:
        for name in names:
            model = self._models[name]
            rows = f"select * from ({model.sql}) where false" if name == ALONE else model.sql
            self.connection.execute(f"create or replace table {model.relation} as {rows}")

    def _order(self, names: Iterable[str]) -> list[str]:
        wanted = set(names)
        graph = {name: self._models[name].parents & wanted for name in wanted}
        return list(TopologicalSorter(graph).static_order())

    def _below(self, parent: str) -> set[str]:
        found: set[str] = set()
        for model in self._models.values():
            if parent in model.parents and model.name not in found:
                found |= {model.name} | self._below(model.name)
        return found


def _models(graph: Mapping[str, Any], built_for: str, day: str) -> Iterator[Model]:
    names = {key: node["name"] for key, node in graph["nodes"].items()}
    names |= {key: f"raw.{source['name']}" for key, source in graph["sources"].items()}
    for node in graph["nodes"].values():
        if node["resource_type"] == "model":
            yield Model(
                node["name"],
                f"{node['schema']}.{node['alias']}",
                node["compiled_code"].replace(built_for, day),
                frozenset(names[key] for key in node["depends_on"]["nodes"]),
            )
