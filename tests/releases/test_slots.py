"""One batch at a time: on this machine, on another one, and after either was killed."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys

import pytest

from flows import slots
from flows.errors import CannotPublish, InstanceBusy
from flows.ledger import Ledger, now, publications
from flows.ledger import slots as slots_table
from flows.settings import PROJECT, Instance

HOLD = """
import sys
from flows import slots
from flows.ledger import Ledger
from flows.settings import read_instance
instance = read_instance()
with slots.hold(instance, Ledger(instance.ledger_url), "a night"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other() -> subprocess.Popen[str]:
    """Another process that holds the instance."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.wait()


def held_elsewhere(instance: Instance, ledger: Ledger, seen_at: dt.datetime) -> None:
    told = {"token": "theirs", "host": "another", "pid": 1, "doing": "a night of theirs"}
    ledger.add(slots_table, name=instance.instance, taken_at=seen_at, seen_at=seen_at, **told)


def test_who_holds_it_and_what_for_is_said(
    instance: Instance, ledger: Ledger, other: subprocess.Popen[str]
) -> None:
    assert other.stdout is not None and other.stdout.readline() == "held\n"
    said = pytest.raises(InstanceBusy, match=f"a night, process {other.pid} on")
    with said, slots.hold(instance, ledger, "another"):
        pass


def test_a_holder_that_was_killed_holds_nothing(
    instance: Instance, ledger: Ledger, other: subprocess.Popen[str]
) -> None:
    assert other.stdout is not None and other.stdout.readline() == "held\n"
    other.kill()
    other.wait()
    assert slots.holder(ledger, instance.instance) is not None
    with slots.hold(instance, ledger, "the next"):
        row = slots.holder(ledger, instance.instance)
        assert row is not None and row["doing"] == "the next"
    assert slots.holder(ledger, instance.instance) is None


def test_another_machine_holds_it_as_long_as_it_beats(instance: Instance, ledger: Ledger) -> None:
    held_elsewhere(instance, ledger, now())
    said = pytest.raises(InstanceBusy, match="a night of theirs")
    with said, slots.hold(instance, ledger, "ours"):
        pass
    ledger.change(slots_table, slots_table.c.token == "theirs", seen_at=now() - slots.DEAD_AFTER)
    with slots.hold(instance, ledger, "ours"):
        row = slots.holder(ledger, instance.instance)
        assert row is not None and row["doing"] == "ours"


def test_live_moves_only_from_what_it_was_compared_with(instance: Instance, ledger: Ledger) -> None:
    from flows.builds import live

    before = ledger.rows(publications.select())
    with pytest.raises(CannotPublish, match="Live is 2017-11-21-01"):
        live.publish(instance, ledger, "2017-11-20-01", instead_of="2017-11-19-01")
    assert live.current(instance) == "2017-11-21-01"
    assert ledger.rows(publications.select()) == before
