"""Pages that a person reads: builds, attributes, contracts, nights, runbooks, releases. Static.

`write_pages` writes `index.html`, `search.html`, `builds/`, `attributes.html`, `contracts.html`,
`predictions.html`, `nights/`, `runbooks/`, `releases/` and `requests/`. The only scripts are those
of search boxes; what is on a page the browser's own search finds without it. The batch writes them
beside the warehouse at the end of every night, a deploy when it ends, `scv docs` beside dbt's own
pages.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from flows.build_pages import write_builds, write_dictionary
from flows.builds import live
from flows.campaigns import lineage
from flows.campaigns.attributes import attributes_of, hanging_on
from flows.campaigns.graph import Graph
from flows.contracts.contract import Contract
from flows.contracts.files import read_contracts
from flows.desk.field_history import Known, read_known
from flows.failures import failures_in
from flows.front_page import write_front
from flows.intake.sources.declared import read_sources, source_of
from flows.ledger import Ledger, Row, deliveries, findings, nights
from flows.predictions.report import DOCS, read_report
from flows.release_pages import write_releases
from flows.request_pages import write_requests
from flows.runbook_pages import write_runbooks
from flows.search_page import write_search
from flows.settings import Instance
from flows.summary import read_day
from flows.templates import write

# Older nights keep the page they have: it cannot change any more, and cost must not grow.
NIGHTS_REWRITTEN = 31


def write_pages(instance: Instance, ledger: Ledger, folder: Path) -> None:
    """Write every page: of builds, attributes, contracts, nights, what to do, releases, requests.

    Args:
        instance: whose builds are shown; of attributes and lineage what is live tells, or nobody.
        ledger: what happened.
        folder: where the pages are written.
    """
    known = read_known(instance, ledger)
    _write_what_hangs_together(instance, ledger, known, folder)
    write_builds(instance, ledger, folder / "builds")
    write_predictions(folder)
    write_releases(ledger, folder / "releases", instance.instance)
    write_requests(instance, known, folder / "requests")
    query = sa.select(nights.c.business_date).distinct().order_by(nights.c.business_date.desc())
    dates = [row["business_date"] for row in ledger.rows(query.limit(NIGHTS_REWRITTEN))]
    days = [read_day(ledger, date) for date in dates]
    write(folder / "nights" / "index.html", "nights.html.j2", "../", days=days, ways=failures_in)
    for day in days:
        checks = _checks(ledger, day.business_date)
        page = folder / "nights" / f"{day.business_date}.html"
        write(page, "night.html.j2", "../", day=day, checks=checks, ways=failures_in)


def write_predictions(folder: Path, numbers: Path = DOCS) -> Path:
    """Write the page of how good the predictions were, from the numbers that are kept."""
    page = folder / "predictions.html"
    write(page, "predictions.html.j2", report=read_report(numbers))
    return page


def _write_what_hangs_together(
    instance: Instance, ledger: Ledger, known: Known, folder: Path
) -> None:
    manifest = live.manifest_of_live(instance)
    graph = Graph.read(manifest) if manifest else None
    attributes = attributes_of(graph) if graph else []
    reads = lineage.read(graph) if graph else {}
    contracts = read_contracts().values()
    told: dict[str, Any] = {
        "known": known,
        "contracts": contracts,
        "hanging": {each.table: hanging_on(each.table, attributes, reads) for each in contracts},
        "places": {each.table: _place(each) for each in contracts},
    }
    write(folder / "contracts.html", "contracts.html.j2", **told)
    write_dictionary(instance, ledger, folder, attributes, reads, known)
    write_search(ledger, folder, attributes, contracts, reads, known)
    counts = (len(attributes), len(contracts), len(reads))
    write_front(instance, ledger, known, folder, counts)
    write_runbooks(instance, ledger, folder / "runbooks", reads)


def _place(contract: Contract) -> dict[str, Any]:
    """What the source says of the table, where it says anything of its own."""
    source = source_of(read_sources(), contract)
    of_table: dict[str, Any] = source.tables[contract.table].model_dump(exclude_defaults=True)
    return {"kind": source.kind, **of_table}


def _checks(ledger: Ledger, day: dt.date) -> list[Row]:
    query = (
        sa.select(deliveries.c.table_name, findings)
        .join(findings, findings.c.delivery_id == deliveries.c.id)
        .where(deliveries.c.business_date == day)
        .order_by(deliveries.c.table_name, findings.c.id)
    )
    return ledger.rows(query)
