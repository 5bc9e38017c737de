"""The documentation site: dbt's own pages, and ours for the contracts and the nights.

Static files in `site/`: `index.html` is dbt's, with an overview that says where to click;
`contracts.html` says what was agreed for each raw table; `nights/` has a page a business date.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from flows.builds import dbt, fork, live
from flows.contracts.contract import read_contracts
from flows.errors import CannotPublish
from flows.ledger import Ledger, deliveries, findings, nights
from flows.settings import PROJECT, Instance, read_instance
from flows.summary import read_day

SITE = PROJECT / "site"
TEMPLATES = PROJECT / "docs" / "pages"


def build_site(site: Path = SITE) -> Path:
    """Build the site from what is live and return its front page.

    Raises:
        CannotPublish: when nothing is live yet.
        BuildFailed: when dbt cannot write its pages.
    """
    instance = read_instance()
    build_id = live.current(instance)
    if build_id is None:
        raise CannotPublish("Nothing is published yet, so there is nothing to document: make run")
    site.mkdir(parents=True, exist_ok=True)
    _write_dbt_pages(instance, build_id, site)
    ledger = Ledger(instance.ledger_url)
    write_contracts(site)
    write_nights(ledger, site)
    return site / "index.html"


def write_contracts(site: Path) -> None:
    """Write `contracts.html`: what was agreed for each raw table."""
    _write(site / "contracts.html", "contracts.html.j2", contracts=read_contracts().values())


def write_nights(ledger: Ledger, site: Path) -> None:
    """Write a page for each business date, and `nights/index.html` over them."""
    query = sa.select(nights.c.business_date).distinct().order_by(nights.c.business_date.desc())
    days = [read_day(ledger, row["business_date"]) for row in ledger.rows(query)]
    (site / "nights").mkdir(exist_ok=True)
    _write(site / "nights" / "index.html", "nights.html.j2", days=days)
    for day in days:
        page = site / "nights" / f"{day.business_date}.html"
        checks = _checks(ledger, day.business_date)
        _write(page, "night.html.j2", day=day, checks=checks)


def _checks(ledger: Ledger, day: Any) -> list[Any]:
    query = (
        sa.select(deliveries.c.table_name, findings)
        .join(findings, findings.c.delivery_id == deliveries.c.id)
        .where(deliveries.c.business_date == day)
        .order_by(deliveries.c.table_name, findings.c.id)
    )
    return ledger.rows(query)


def _write_dbt_pages(instance: Instance, build_id: str, site: Path) -> None:
    # dbt wants to write where it documents: a fork, named like what people query.
    copy = instance.root / "docs" / instance.live.name
    fork.fork(live.path_of(instance, build_id), copy)
    try:
        made = dbt.run(instance, copy, ["docs", "generate", "--static"], workplace="docs")
    finally:
        fork.discard(copy)
    shutil.copyfile(made.target / "static_index.html", site / "index.html")
    assets = PROJECT / "docs" / "assets"
    if assets.is_dir():
        shutil.copytree(assets, site / "assets", dirs_exist_ok=True)


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
