"""Pages that a person reads: the contracts, and what became of each night. Static, no scripts.

`write_pages(ledger, folder)` writes `contracts.html` and `nights/`. The batch writes them beside
the warehouse at the end of every night, `scv docs` beside dbt's own pages.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from flows.contracts.contract import read_contracts
from flows.ledger import Ledger, Row, deliveries, findings, nights
from flows.settings import PROJECT
from flows.summary import read_day

TEMPLATES = PROJECT / "docs" / "pages"
# Older nights keep the page they have: it cannot change any more, and cost must not grow.
NIGHTS_REWRITTEN = 31


def write_pages(ledger: Ledger, folder: Path) -> None:
    """Write the contracts' page, a page for each of the last nights, and an index over them."""
    (folder / "nights").mkdir(parents=True, exist_ok=True)
    contracts = read_contracts().values()
    _write(folder / "contracts.html", "contracts.html.j2", contracts=contracts)
    query = sa.select(nights.c.business_date).distinct().order_by(nights.c.business_date.desc())
    dates = [row["business_date"] for row in ledger.rows(query.limit(NIGHTS_REWRITTEN))]
    days = [read_day(ledger, date) for date in dates]
    _write(folder / "nights" / "index.html", "nights.html.j2", days=days)
    for day in days:
        checks = _checks(ledger, day.business_date)
        page = folder / "nights" / f"{day.business_date}.html"
        _write(page, "night.html.j2", day=day, checks=checks)


def _checks(ledger: Ledger, day: dt.date) -> list[Row]:
    query = (
        sa.select(deliveries.c.table_name, findings)
        .join(findings, findings.c.delivery_id == deliveries.c.id)
        .where(deliveries.c.business_date == day)
        .order_by(deliveries.c.table_name, findings.c.id)
    )
    return ledger.rows(query)


def _write(path: Path, template: str, **values: Any) -> None:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    arriving = path.with_name(f".{path.name}")
    arriving.write_text(environment.get_template(template).render(**values))
    arriving.replace(path)
