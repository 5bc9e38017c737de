"""The front door of the pages: what is live, what waits, and where each thing is found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from flows import clock
from flows.builds import live
from flows.desk.field_history import Known
from flows.ledger import Ledger, nights
from flows.releases.deploys import latest
from flows.schedules import next_redeploy
from flows.settings import Instance
from flows.templates import write

# What is neither live nor given up.
UNDER_WAY = ("submitted", "questions", "accepted", "built", "in QA", "approved")


def write_front(
    instance: Instance, ledger: Ledger, known: Known, folder: Path, counts: Sequence[int]
) -> None:
    """Write `index.html`.

    Args:
        instance: whose pages they are.
        ledger: what happened on it.
        known: its requests.
        folder: where it goes; dbt's own pages are `models.html` there, on the docs site.
        counts: how many attributes, raw tables and campaigns there are.
    """
    standings = known.standings.values()
    write(
        folder / "index.html",
        "front.html.j2",
        instance=instance,
        build_id=live.current(instance),
        night=ledger.row(sa.select(nights).order_by(nights.c.id.desc())),
        deploy=latest(ledger),
        tuesday=next_redeploy(instance, clock.now(instance)),
        under_way=sum(each.status in UNDER_WAY for each in standings),
        attributes=counts[0],
        tables=counts[1],
        campaigns=counts[2],
        has_models=(folder / "models.html").is_file(),
    )
