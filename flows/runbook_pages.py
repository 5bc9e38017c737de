"""The runbooks: a page a table, from its contract, and a page for each way to stop."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from flows.campaigns.lineage import Reads
from flows.contracts.calendar import read_calendar
from flows.contracts.contract import Contract
from flows.contracts.files import read_contracts
from flows.failures import read_failures
from flows.intake.sources.declared import read_sources, source_of
from flows.ledger import Ledger, Row, deliveries
from flows.runbooks import (
    cases_of,
    exceptions,
    how_it_comes,
    overriding,
    waiting_for,
    when_due,
)
from flows.settings import Instance
from flows.summary import latest_day
from flows.templates import write

DELIVERIES_SHOWN = 14
# Counts and states: a sentence may be long, and stands on the page of its night.
COUNTED = (
    *("business_date", "version", "state", "taken", "received_at"),
    *("rows_delivered", "rows_accepted", "rows_quarantined"),
)


def write_runbooks(
    instance: Instance, ledger: Ledger, folder: Path, reads: Mapping[str, Reads]
) -> None:
    """Write `index.html`, `tables/` and `failures/`.

    Args:
        instance: whose clock and whose live it is.
        ledger: what was delivered, counts and states only.
        folder: where the pages go, one below the front page.
        reads: what each campaign reads; none where nothing is live.
    """
    day = latest_day(ledger)
    contracts = read_contracts()
    last = {table: last_deliveries(ledger, table) for table in contracts}
    waiting = {table: waiting_for(table, reads) for table in contracts}
    of_all: dict[str, Any] = {"day": day or "DATE", "known": bool(reads)}
    for table, contract in contracts.items():
        told = _told(instance, contract, day) | {"waiting": waiting[table], "last": last[table]}
        page = folder / "tables" / f"{table}.html"
        write(page, "runbook.html.j2", "../../", c=contract, **told, **of_all)
    _write_failures(folder / "failures")
    told = {"contracts": contracts.values(), "waiting": waiting, "last": last}
    write(folder / "index.html", "runbooks.html.j2", "../", **told, **of_all)


def last_deliveries(ledger: Ledger, table: str) -> list[Row]:
    """Return the last deliveries of a table, the newest first."""
    query = sa.select(*(deliveries.c[name] for name in COUNTED))
    query = query.where(deliveries.c.table_name == table)
    newest = query.order_by(deliveries.c.business_date.desc(), deliveries.c.version.desc())
    return ledger.rows(newest.limit(DELIVERIES_SHOWN))


def _told(instance: Instance, contract: Contract, day: dt.date | None) -> dict[str, Any]:
    source = source_of(read_sources(), contract)
    return {
        "comes": how_it_comes(contract, source),
        "due": when_due(contract, instance),
        "exceptions": exceptions(contract, read_calendar(), day),
        "cases": cases_of(contract),
        "overriding": overriding(contract),
        "is_ours": source.kind == "outbox",
    }


def _write_failures(folder: Path) -> None:
    found = read_failures()
    families: dict[str, list[Any]] = {}
    for each in found.values():
        families.setdefault(each.family, []).append(each)
        write(folder / f"{each.name}.html", "failure.html.j2", "../../", f=each)
    write(folder / "index.html", "failures.html.j2", "../../", families=families)
