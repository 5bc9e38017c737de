"""When what runs by itself: one line a flow, on the client's clock.

Local times stay across the changes of the clock, and every other Tuesday stays the same Tuesday:
the rule's start has no zone of its own, and Prefect reads it in the zone of the schedule.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flows.settings import PROJECT, Instance

if TYPE_CHECKING:
    from prefect.schedules import Schedule


@dataclass(frozen=True)
class Scheduled:
    """A flow that runs by itself."""

    name: str
    entrypoint: str  # file:function, below the checkout
    when: Callable[[Instance], Schedule]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_here(self) -> bool:
        """True when this checkout has the flow."""
        return (PROJECT / self.entrypoint.split(":")[0]).is_file()


def every_night(instance: Instance) -> Schedule:
    """Return the schedule of the nightly batch."""
    from prefect.schedules import Cron

    return Cron(nightly_cron(instance), timezone=instance.time_zone.key, slug="nightly")


def every_other_tuesday(instance: Instance) -> Schedule:
    """Return the schedule of the releases."""
    from prefect.schedules import RRule

    return RRule(redeploy_rule(instance), timezone=instance.time_zone.key, slug="redeploy")


SCHEDULED = (
    Scheduled("nightly", "flows/nightly.py:nightly", every_night),
    Scheduled("redeploy", "flows/redeploy.py:redeploy", every_other_tuesday, {"scheduled": True}),
)


def nightly_cron(instance: Instance) -> str:
    """Return the nightly batch's time as cron says it."""
    return f"{instance.nightly_at:%-M %-H} * * *"


def redeploy_rule(instance: Instance) -> str:
    """Return the releases' times as iCalendar says them, from the first Tuesday on."""
    first = dt.datetime.combine(instance.redeploy_from, instance.redeploy_at)
    # A Z at the end would not make it UTC: Prefect would read it as local all the same.
    return f"DTSTART:{first:%Y%m%dT%H%M%S}\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"


def next_night(instance: Instance, after: dt.datetime) -> dt.datetime:
    """Return when the next night starts, in the client's zone."""
    today = dt.datetime.combine(after.date(), instance.nightly_at, instance.time_zone)
    return today if today > after else today + dt.timedelta(days=1)


def next_redeploy(instance: Instance, after: dt.datetime) -> dt.datetime:
    """Return when the next release may go live, in the client's zone."""
    first = dt.datetime.combine(instance.redeploy_from, instance.redeploy_at, instance.time_zone)
    # Aware times of one zone are subtracted and added by the clock on the wall, as is wanted here.
    fortnights = max(0, (after.astimezone(instance.time_zone) - first) // dt.timedelta(days=14))
    slot = first + fortnights * dt.timedelta(days=14)
    return slot if slot > after else slot + dt.timedelta(days=14)
