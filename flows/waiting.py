"""Waiting for what may still come: looked for again and again, until it is here or time is over."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from typing import Any, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE

from flows import clock
from flows.errors import InstanceBusy, NotAllSent, NothingDelivered, StillAwaited
from flows.settings import Instance

Found = TypeVar("Found")
# What is another thing a while later.
MAY_PASS = (StillAwaited, NothingDelivered, NotAllSent, InstanceBusy)


def wait_for(look: Callable[[], Found], name: str, instance: Instance, until: dt.datetime) -> Found:
    """Call `look` until it finds what it looks for, every `look_every_seconds` of the instance.

    Args:
        look: returns what it found, and raises one of `MAY_PASS` where it did not.
        name: what Prefect's pages call it.
        instance: how often is looked, and which clock counts.
        until: when it is looked for the last time.

    Raises:
        Stopped: what `look` raised, the last time.
    """
    every = instance.look_every_seconds
    left = (until - clock.now(instance)).total_seconds()
    looking = task(
        name=name,
        cache_policy=NO_CACHE,
        retries=max(0, math.ceil(left / every)),
        retry_delay_seconds=every,
        retry_condition_fn=_may_still_come,
    )(look)
    found: Found = looking()
    return found


def is_before(instance: Instance, day: dt.date, clock_time: str) -> bool:
    """True until a time of a contract is reached, on the morning after the business date."""
    return clock.now(instance) < clock.due_at(instance, day, clock_time)


def _may_still_come(_task: Any, _run: Any, state: Any) -> bool:
    raised = state.result(raise_on_failure=False)
    return isinstance(raised, MAY_PASS)
