"""A page per build, with the picture of its customers, and the dictionary of attributes."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa

from flows.builds import live
from flows.campaigns.attributes import Attribute, groups_of
from flows.campaigns.graph import Graph
from flows.campaigns.lineage import Reads
from flows.desk.field_history import Known
from flows.distributions import Distribution
from flows.ledger import Ledger, Row, builds, fingerprints
from flows.pictures import Picture, read_picture
from flows.settings import Instance
from flows.templates import write

log = logging.getLogger("scv.pages")
# A page that stands there is what it was: a build does not change. The newest are written again,
# for their page may be a former release's; the index shows as many as there are nights.
BUILDS_REWRITTEN = 2
BUILDS_LISTED = 31
OTHERS = "other"


@dataclass(frozen=True)
class Listed:
    """One line of the index: the ledger's row of a build, and what is known besides."""

    row: Row
    customers: int | None
    is_live: bool
    has_page: bool


def write_builds(instance: Instance, ledger: Ledger, folder: Path) -> None:
    """Write the page of each build that has none, those of the newest again, and the index.

    Args:
        instance: whose builds.
        ledger: which builds there were.
        folder: where the pages go; a build whose file is gone keeps the page that it has.
    """
    query = sa.select(builds).where(builds.c.state.in_(["built", "published", "rolled back"]))
    newest = query.order_by(builds.c.business_date.desc(), builds.c.build_id.desc())
    rows = ledger.rows(newest.limit(BUILDS_LISTED))
    there = [row for row in rows if live.path_of(instance, row["build_id"]).is_file()]
    for place, row in enumerate(there):
        page = folder / f"{row['build_id']}.html"
        if place < BUILDS_REWRITTEN or not page.is_file():
            _write_build(instance, ledger, row["build_id"], page)
    listed = [_listed(instance, ledger, row, folder) for row in rows]
    write(folder / "index.html", "builds.html.j2", "../", builds=listed)


def write_dictionary(
    instance: Instance,
    ledger: Ledger,
    folder: Path,
    attributes: Sequence[Attribute],
    reads: Mapping[str, Reads],
    known: Known,
) -> None:
    """Write `attributes.html`, and `lineage.html`, which leads there.

    Args:
        instance: of whose live build the distributions are told.
        ledger: what that was forked from.
        folder: where the pages go.
        attributes: those of the view; none where nothing is live.
        reads: what each campaign reads.
        known: what was done with each.
    """
    build_id = live.current(instance)
    picture = picture_of(instance, ledger, build_id) if build_id else None
    found = {each.attribute: each for each in picture.distributions} if picture else {}
    grouped = _grouped([(each.group, each) for each in attributes])
    told: dict[str, Any] = {"grouped": grouped, "distributions": found, "reads": reads}
    told["known"] = known
    write(folder / "attributes.html", "attributes.html.j2", build_id=build_id, **told)
    write(folder / "lineage.html", "lineage.html.j2")


def picture_of(instance: Instance, ledger: Ledger, build_id: str) -> Picture | None:
    """Return the picture of a build beside its base, or None where it cannot be read."""
    row = ledger.row(sa.select(builds.c.base_build_id).where(builds.c.build_id == build_id))
    base = row["base_build_id"] if row else None
    for beside in (live.path_of(instance, base), None) if base else (None,):
        try:
            return read_picture(live.path_of(instance, build_id), beside)
        except (duckdb.Error, OSError) as error:
            # A page is not worth a night: what is wrong with a file, whoever needs it will say.
            log.warning("no picture of %s: %s", build_id, type(error).__name__)
    return None


def _write_build(instance: Instance, ledger: Ledger, build_id: str, page: Path) -> None:
    picture = picture_of(instance, ledger, build_id)
    if picture is None:
        return
    manifest = live.manifest_of(instance, build_id)
    groups = groups_of(Graph.read(manifest)) if manifest.is_file() else {}
    named = {each.attribute: groups.get(each.attribute, OTHERS) for each in picture.distributions}
    grouped: dict[str, list[Distribution]] = _grouped(
        [(named[each.attribute], each) for each in picture.distributions]
    )
    write(page, "build.html.j2", "../", p=picture, groups=named, grouped=grouped)


def _grouped(pairs: Sequence[tuple[str, Any]]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for group, each in pairs:
        found.setdefault(group, []).append(each)
    return found


def _listed(instance: Instance, ledger: Ledger, row: Row, folder: Path) -> Listed:
    query = sa.select(fingerprints.c.row_count).where(
        fingerprints.c.build_id == row["build_id"],
        fingerprints.c.relation == "marts.customer_identity",
    )
    counted = ledger.row(query)
    return Listed(
        row,
        int(counted["row_count"]) if counted else None,
        row["build_id"] == live.current(instance),
        (folder / f"{row['build_id']}.html").is_file(),
    )
