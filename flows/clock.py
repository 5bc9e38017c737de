"""The wall clock, in the client's time zone: for waiting until a deadline, and for nothing else."""

from __future__ import annotations

import datetime as dt
import time

from flows.settings import Instance

_STARTED = time.monotonic()


def now(instance: Instance) -> dt.datetime:
    """Return the time at the client's: the machine's, or the one that a played night has."""
    if instance.night_starts_at is None:
        return dt.datetime.now(instance.time_zone)
    gone = dt.timedelta(seconds=time.monotonic() - _STARTED)
    return instance.night_starts_at.replace(tzinfo=instance.time_zone) + gone


def due_at(instance: Instance, day: dt.date, clock_time: str) -> dt.datetime:
    """Return when a time of a contract is: on the morning after the business date."""
    moment = dt.time.fromisoformat(clock_time)
    return dt.datetime.combine(day + dt.timedelta(days=1), moment, instance.time_zone)


def next_at(instance: Instance, clock_time: str) -> dt.datetime:
    """Return when it is that late at the client's for the next time."""
    moment = now(instance)
    today = dt.datetime.combine(
        moment.date(), dt.time.fromisoformat(clock_time), instance.time_zone
    )
    return today if today > moment else today + dt.timedelta(days=1)
