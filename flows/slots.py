"""One batch at a time on an instance: whoever builds, publishes or sends holds its slot.

The slot is a row of the ledger, so that it holds on every machine that shares the ledger. On one
machine a lock of the operating system stands in front of it, which ends with the process that
holds it, however that ends: who has that lock knows that a row of this machine is a dead one's.
On another machine a holder is known to live by its beat, and counts as dead without one.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from flows.errors import InstanceBusy
from flows.ledger import Ledger, Row, now, slots
from flows.settings import Instance

BEAT_SECONDS = 15
DEAD_AFTER = dt.timedelta(seconds=8 * BEAT_SECONDS)


@contextmanager
def hold(instance: Instance, ledger: Ledger, doing: str) -> Iterator[None]:
    """Hold the instance for this process; `doing` tells others what for.

    Raises:
        InstanceBusy: when somebody else holds it, with what they are doing.
    """
    with _alone_on_this_machine(instance, ledger):
        token = uuid.uuid4().hex
        _take(instance, ledger, token, doing)
        ended = threading.Event()
        beating = threading.Thread(target=_beat, args=(ledger, token, ended), daemon=True)
        beating.start()
        try:
            yield
        finally:
            ended.set()
            beating.join()
            with ledger.write() as connection:
                connection.execute(sa.delete(slots).where(slots.c.token == token))


def refuse_busy(instance: Instance, ledger: Ledger) -> None:
    """Say who holds an instance, if anybody does; nothing is held afterwards.

    Raises:
        InstanceBusy: when somebody holds it, with what they are doing.
    """
    with _alone_on_this_machine(instance, ledger):
        row = holder(ledger, instance.instance)
        if row is not None and _lives_elsewhere(row):
            raise _busy(instance, row)


def who_holds(instance: Instance, ledger: Ledger) -> str | None:
    """Return what is done on an instance now, and in which process; None when nothing is."""
    try:
        refuse_busy(instance, ledger)
    except InstanceBusy:
        row = holder(ledger, instance.instance)
        return _in_words(row) if row else "a batch that is just beginning"
    return None


def is_left_behind(instance: Instance, ledger: Ledger) -> bool:
    """True while the slot has the row of a process that was killed; who holds it next takes it."""
    return holder(ledger, instance.instance) is not None and not who_holds(instance, ledger)


def holder(ledger: Ledger, name: str) -> Row | None:
    """Return the row of who holds an instance, or held it when it died."""
    return ledger.row(sa.select(slots).where(slots.c.name == name))


@contextmanager
def _alone_on_this_machine(instance: Instance, ledger: Ledger) -> Iterator[None]:
    instance.root.mkdir(parents=True, exist_ok=True)
    with (instance.root / ".lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(instance, holder(ledger, instance.instance)) from None
        yield


def _take(instance: Instance, ledger: Ledger, token: str, doing: str) -> None:
    row = holder(ledger, instance.instance)
    if row is not None and _lives_elsewhere(row):
        raise _busy(instance, row)
    ours = {
        "token": token,
        "host": _host(),
        "pid": os.getpid(),
        "doing": doing,
        "taken_at": now(),
        "seen_at": now(),
    }
    try:
        with ledger.write() as connection:
            if row is None:
                taken = connection.execute(
                    sa.insert(slots).values(name=instance.instance, **ours)
                ).rowcount
            else:
                # Only from the holder that was found dead: another may have come in between.
                known = (slots.c.name == row["name"]) & (slots.c.token == row["token"])
                taken = connection.execute(sa.update(slots).where(known).values(**ours)).rowcount
    except sa.exc.IntegrityError:
        taken = 0
    if not taken:
        raise _busy(instance, holder(ledger, instance.instance))


def _lives_elsewhere(row: Row) -> bool:
    return bool(row["host"] != _host() and now() - row["seen_at"] < DEAD_AFTER)


def _beat(ledger: Ledger, token: str, ended: threading.Event) -> None:
    while not ended.wait(BEAT_SECONDS):
        ledger.change(slots, slots.c.token == token, seen_at=now())


def _host() -> str:
    return socket.gethostname()


def _in_words(row: Row) -> str:
    return f"{row['doing']}, process {row['pid']} on {row['host']}"


def _busy(instance: Instance, row: Row | None) -> InstanceBusy:
    what = f" ({_in_words(row)})" if row else ""
    return InstanceBusy(
        f"Another batch is running on {instance.instance}{what}. See how far it is: scv status"
    )
