"""One customer, as live has it: found by any of its ids, its row, its days and its messages.

A value of a personal attribute leaves this module only when it is asked for: what is printed in a
terminal is copied into tickets. Nothing of a customer is logged or written down.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa

from flows.builds import live
from flows.campaigns.attributes import written_columns
from flows.campaigns.graph import VIEW, Graph
from flows.errors import SettingsWrong
from flows.intake.casting import literal
from flows.ledger import Ledger, builds, decisions, occurrences
from flows.settings import Instance

Row = dict[str, Any]
HIDDEN = "known, not shown"
RECORD = (
    *("client_customer_id", "record_scv_customer_id", "scv_customer_id", "customer_id"),
    *("record_status", "merged_at", "closed_at"),
)
PLACES = (
    ("customer_identity", "client_customer_id"),
    ("customer_identity", "scv_customer_id"),
    ("customer_records", "client_customer_id"),
    ("customer_records", "record_scv_customer_id"),
)
ORDERS_SHOWN = 5
MESSAGES_SHOWN = 20
# What a campaign came to for a customer: of campaigns due today, in the order of their priority.
CAMPAIGNS = """
    select due.campaign_id, due.channel, targets.status, targets.rule, targets.reason
    from campaigns.campaigns_due as due
    left join (from campaigns.campaign_targets where customer_id = ?) as targets
        using (campaign_id)
    order by due.priority
"""
ORDERS = """
    select business_date, sum(order_count) as orders, sum(net_amount) as net
    from intermediate.int_sales_resolved where customer_id = ?
    group by business_date having sum(order_count) > 0 order by business_date desc
"""
RECORDS = (
    "select customer_id from intermediate.int_customers_resolved where surviving_customer_id = ?"
)


@dataclass(frozen=True)
class Change:
    """What an attribute was in one build, and is in the next one kept."""

    business_date: dt.date
    attribute: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Customer:
    """Everything that `scv customer` tells.

    Args:
        record: the record that was asked for: its keys, `record_status`, and since when.
        row: the row of the view, personal values hidden unless asked for; None for who is closed.
        groups: the attributes by what the view's SQL says above them.
        compared: business dates of the builds that `changes` and `absent` come from, oldest first.
        absent: those of them in which it was no customer.
        orders: business date, orders and net sales of the last days with an order, latest first.
        campaigns: what each campaign due today came to for it, and whether the gate held it.
        messages: what went out to it, latest first; `is_control` where it was held back.
    """

    build_id: str
    record: Row
    row: Row | None
    groups: Mapping[str, Sequence[str]]
    compared: Sequence[dt.date]
    absent: Sequence[dt.date]
    changes: Sequence[Change]
    orders: Sequence[Row]
    campaigns: Sequence[Row]
    messages: Sequence[Row]
    thresholds: Mapping[str, int]

    @property
    def business_date(self) -> dt.date:
        """The date of the build that was asked."""
        return dt.date.fromisoformat(self.build_id[:10])


def read_customer(
    instance: Instance, ledger: Ledger, name: str, *, show_personal: bool = False
) -> Customer:
    """Return a customer by the client's id or ours, that of a merged or closed record too.

    Raises:
        NothingPublished: when nothing is live.
        SettingsWrong: when live knows nobody of that id.
    """
    build_id = live.current_or_stop(instance)
    graph = Graph.read(live.manifest_of(instance, build_id))
    mask = _mask(graph, show_personal)
    with duckdb.connect(str(live.path_of(instance, build_id)), read_only=True) as connection:
        record = _find(connection, name, build_id)
        key = record["customer_id"]
        row = _row(connection, key)
        orders = _ask(connection, ORDERS, key)[:ORDERS_SHOWN]
        campaigns = _ask(connection, CAMPAIGNS, key) if row else []
        ids = {key, *(each["customer_id"] for each in _ask(connection, RECORDS, key))}
        thresholds = {
            each["name"]: each["value"] for each in _ask(connection, "from decisions.thresholds")
        }
    days = _days(instance, ledger, build_id, key, row)
    groups: dict[str, list[str]] = {}
    for attribute, written in written_columns(graph).items():
        groups.setdefault(written.group, []).append(attribute)
    return Customer(
        build_id=build_id,
        record=record,
        row=mask(row) if row else None,
        groups=groups,
        compared=sorted(days),
        absent=[day for day in sorted(days) if days[day] is None],
        changes=_changes(days, _steady(graph), mask),
        orders=orders,
        campaigns=_with_verdicts(ledger, build_id, campaigns),
        messages=_messages(ledger, ids),
        thresholds=thresholds,
    )


def _find(connection: duckdb.DuckDBPyConnection, name: str, build_id: str) -> Row:
    # Customers first: they are stored by both keys, and other records are put together from views.
    nothing = dict.fromkeys(("record_scv_customer_id", "merged_at", "closed_at"))
    for table, column in PLACES:
        found = _ask(connection, f"from marts.{table} where {column} = ? limit 1", name.strip())
        if found:
            record = {**nothing, "record_status": "customer", **found[0]}
            return {key: record[key] for key in RECORD if key in record}
    raise SettingsWrong(
        f"{build_id} knows nobody of the id '{name}': neither the client's own id nor one of ours, "
        "a C and 16 digits. Was the record set aside? scv quarantine says so. Did its table come? "
        "scv status says so."
    )


def _row(connection: duckdb.DuckDBPyConnection, key: int) -> Row | None:
    found = _ask(connection, f"from marts.{VIEW} where customer_id = ?", key)
    return found[0] if found else None


def _ask(connection: duckdb.DuckDBPyConnection, query: str, *values: Any) -> list[Row]:
    """Rows by column name; none where the build is older than what is asked for."""
    try:
        answer = connection.execute(query, list(values))
    except (duckdb.CatalogException, duckdb.BinderException):
        return []
    names = [column[0] for column in answer.description or []]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def _mask(graph: Graph, show_personal: bool) -> Callable[[Row], Row]:
    shown = {"customer_id", "scv_customer_id", "client_customer_id"}
    personal = {name for name in graph.column_names() if graph.is_personal(name)} - shown

    def mask(row: Row) -> Row:
        if show_personal:
            return row
        return {
            name: HIDDEN if name in personal and value is not None else value
            for name, value in row.items()
        }

    return mask


def _steady(graph: Graph) -> set[str]:
    """What is worth telling when it changes: of what moves with the date only a yes or no."""
    return {
        name
        for name, written in written_columns(graph).items()
        if not written.moves_with_the_date or graph.data_type(name) == "boolean"
    }


def _days(
    instance: Instance, ledger: Ledger, build_id: str, key: int, row: Row | None
) -> dict[dt.date, Row | None]:
    """The customer's row in the last kept build of each business date up to live's."""
    published = sa.select(builds.c.build_id).where(builds.c.state == "published")
    names = sorted(
        each["build_id"] for each in ledger.rows(published) if each["build_id"] < build_id
    )
    latest = {name[:10]: live.path_of(instance, name) for name in names}
    latest.pop(build_id[:10], None)
    found: dict[dt.date, Row | None] = {
        dt.date.fromisoformat(day): _row_of(path, key)
        for day, path in latest.items()
        if path.is_file()
    }
    return {**found, dt.date.fromisoformat(build_id[:10]): row}


def _row_of(path: Path, key: int) -> Row | None:
    with duckdb.connect(str(path), read_only=True) as connection:
        return _row(connection, key)


def _changes(
    days: Mapping[dt.date, Row | None], steady: set[str], mask: Callable[[Row], Row]
) -> list[Change]:
    found, before = [], None
    for day in sorted(days):
        row = days[day]
        if row is not None and before is not None:
            one, other = mask(before), mask(row)
            found += [
                Change(day, name, one[name], other[name])
                for name in row
                if name in steady and name in before and before[name] != row[name]
            ]
        before = row
    return found


def _with_verdicts(ledger: Ledger, build_id: str, campaigns: Sequence[Row]) -> list[Row]:
    query = sa.select(decisions).where(decisions.c.build_id == build_id).order_by(decisions.c.id)
    verdicts = {row["campaign_id"]: row for row in ledger.rows(query)}
    found = []
    for each in campaigns:
        verdict = verdicts.get(each["campaign_id"])
        held = verdict is not None and verdict["verdict"] == "held"
        found.append(each | {"held": verdict["sentence"] if verdict and held else None})
    return found


def _messages(ledger: Ledger, ids: set[int]) -> list[Row]:
    """What went out to any of its records, by the receipts that dispatch left."""
    query = sa.select(occurrences).where(occurrences.c.state == "sent")
    paths = [f"{row['path']}.receipt.parquet" for row in ledger.rows(query)]
    kept = [path for path in paths if Path(path).is_file()]
    if not kept:
        return []
    with duckdb.connect() as connection:
        return _ask(
            connection,
            "select occurrence_date, campaign_id, channel, is_control, customer_id "
            f"from read_parquet([{', '.join(literal(path) for path in kept)}]) "
            f"where customer_id in ({', '.join(str(each) for each in sorted(ids))}) "
            f"order by occurrence_date desc, campaign_id limit {MESSAGES_SHOWN}",
        )
