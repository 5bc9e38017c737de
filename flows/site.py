"""The documentation site: our pages, whose front door is `index.html`, and dbt's own.

Static files in `site/`: `models.html` is dbt's, with an overview that says where to click; the rest
is what `flows.pages` writes, and the comparisons.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from flows.builds import dbt, fork, live
from flows.ledger import Ledger
from flows.pages import write_pages
from flows.settings import PROJECT, Instance, read_instance

SITE = PROJECT / "site"
MODELS = "models.html"


def build_site(site: Path = SITE) -> Path:
    """Build the site from what is live and return its front page.

    Raises:
        NothingPublished: when nothing is live yet.
        BuildFailed: when dbt cannot write its pages.
    """
    instance = read_instance()
    build_id = live.current_or_stop(instance)
    site.mkdir(parents=True, exist_ok=True)
    _write_dbt_pages(instance, build_id, site)
    if instance.comparisons.is_dir():
        shutil.copytree(instance.comparisons, site / "comparisons", dirs_exist_ok=True)
    write_pages(instance, Ledger(instance.ledger_url), site)
    return site / "index.html"


def _write_dbt_pages(instance: Instance, build_id: str, site: Path) -> None:
    # dbt wants to write where it documents: a fork, named like what people query.
    copy = instance.root / "docs" / instance.live.name
    fork.fork(live.path_of(instance, build_id), copy)
    try:
        made = dbt.run(instance, copy, ["docs", "generate", "--static"], workplace="docs")
    finally:
        fork.discard(copy)
    shutil.copyfile(made / "static_index.html", site / MODELS)
