"""What a request is held against: contracts, tables and attributes of ours, other open requests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from flows.builds import live
from flows.contracts.contract import Contract
from flows.contracts.files import read_contracts
from flows.desk.request import ChangeRequest
from flows.desk.store import Desk, Document
from flows.intake.sources.declared import read_sources
from flows.settings import Instance

VIEW = "single_customer_view"
# Whose rows belong to customers by the number that the view knows them by: merges are resolved.
INPUTS = ("int_%_resolved", "int_households_latest", VIEW)


@dataclass(frozen=True)
class Known:
    """What there is already.

    Args:
        sources: the tables of each source, and its kind.
        inputs: tables of ours that an attribute may be made from, their columns with types.
        attributes: the columns of the view.
        campaigns: the campaigns that there are.
        others: requests that are open.
    """

    contracts: Mapping[str, Contract]
    sources: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    attributes: frozenset[str] = frozenset()
    campaigns: frozenset[str] = frozenset()
    others: Sequence[Document] = ()

    def raw_types(self, table: str) -> dict[str, str]:
        """The columns of a raw table with their types; nothing where there is no contract."""
        contract = self.contracts.get(table)
        return {each.name: each.data_type for each in contract.columns} if contract else {}


def known_of(instance: Instance) -> Known:
    """Return what there is on an instance. Where nothing is live yet, what the project has."""
    inputs, campaigns = _live(instance)
    open_ones = [each for each in Desk.of(instance).documents() if is_open(each)]
    return Known(
        read_contracts(),
        read_sources(),
        inputs,
        frozenset(inputs.get(VIEW, ())),
        campaigns,
        open_ones,
    )


def is_open(document: Document) -> bool:
    """True while a request is on its way: drafts are nobody's business yet."""
    return document.status in ("submitted", "questions", "accepted") and not document.content.get(
        "released"
    )


def _live(instance: Instance) -> tuple[dict[str, dict[str, str]], frozenset[str]]:
    build_id = live.current(instance)
    if build_id is None:
        return {}, frozenset()
    with duckdb.connect(str(live.path_of(instance, build_id)), read_only=True) as connection:
        wanted = " or ".join("table_name like ?" for _ in INPUTS)
        rows = connection.execute(
            "select table_name, column_name, lower(data_type) from duckdb_columns() "
            f"where ({wanted}) and not internal order by table_name, column_index",
            list(INPUTS),
        ).fetchall()
        told = connection.execute("select campaign_id from decisions.campaigns").fetchall()
    inputs: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        inputs.setdefault(table, {})[column] = kind
    with_customers = {t: c for t, c in inputs.items() if "customer_id" in c}
    return with_customers, frozenset(str(name) for (name,) in told)


def next_tuesday(slot: dt.datetime, now: dt.datetime) -> dt.date:
    """Return the Tuesday that a request of now can still be on: its slot closes days before.

    Args:
        slot: the next release.
        now: in the same zone.
    """
    return (slot if now <= closes(slot.date(), now) else slot + dt.timedelta(days=14)).date()


def closes(tuesday: dt.date, like: dt.datetime) -> dt.datetime:
    """Return when the slot of a Tuesday closes: on the Thursday before, at 17:00."""
    thursday = tuesday - dt.timedelta(days=5)
    return dt.datetime.combine(thursday, dt.time(17), like.tzinfo)


def columns_of(kind: str, request: ChangeRequest, known: Known) -> Mapping[str, str]:
    """Return the columns, with types, that the expressions of a part may name."""
    match kind:
        case "attribute" if request.attribute is not None:
            return known.inputs.get(request.attribute.input, {})
        case "activity" if request.activity is not None:
            return types_of(request.activity.table, request, known)
        case "purchases" if request.purchases is not None:
            return types_of(request.purchases.table, request, known)
        case _:
            return {}


def types_of(table: str, request: ChangeRequest, known: Known) -> dict[str, str]:
    """Return the columns of a raw table, with types, as they are once the request is done."""
    found = known.raw_types(table)
    if request.new_table is not None and request.new_table.name == table:
        found |= {each.name: each.data_type for each in request.new_table.columns}
    if request.columns is not None and request.columns.table == table:
        found |= {each.name: each.data_type for each in request.columns.columns}
    return found
