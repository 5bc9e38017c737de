"""May a business date be run at all? Asked before anything is taken in."""

from __future__ import annotations

import datetime as dt
import logging

from flows.builds import live
from flows.builds.build import base_of
from flows.errors import CannotPublish
from flows.intake.manifest import is_delivered
from flows.ledger import Ledger
from flows.settings import Instance

log = logging.getLogger("scv.guards")


def refuse_a_past_date(instance: Instance, day: dt.date) -> None:
    """Refuse a date before the one that is live: live never goes back by running a batch.

    Raises:
        CannotPublish: with what to do instead.
    """
    now_live = live.current(instance)
    if now_live is not None and dt.date.fromisoformat(now_live[:10]) > day:
        raise CannotPublish(
            f"Live is {now_live}, and {day} is before it: a batch never takes live back. "
            "To take it back on purpose: scv rollback"
        )


def refuse_a_gap(instance: Instance, ledger: Ledger, day: dt.date) -> None:
    """Refuse a date while an earlier one that was delivered has not been run.

    Raises:
        CannotPublish: the date to run first. A date that was never delivered is only told of.
    """
    base = base_of(ledger, day)
    if base is None:
        return
    between = dt.date.fromisoformat(base[:10]) + dt.timedelta(days=1)
    while between < day:
        if is_delivered(instance, between):
            raise CannotPublish(
                f"{between} was delivered and is not in the view that {day} would be built on: "
                f"it has not been run, or was rolled back. Run it first: scv run {between}"
            )
        log.warning("Nothing was delivered for %s: the view has no sales of that day.", between)
        between += dt.timedelta(days=1)
