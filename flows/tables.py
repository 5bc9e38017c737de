"""The tables of a night: taken in, awaited until their deadline, and judged by their contracts."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from prefect import task
from prefect.cache_policies import NO_CACHE

from flows import clock
from flows.contracts.calendar import expected, read_calendar, refuse_unknown_tables
from flows.contracts.contract import Contract
from flows.contracts.policy import Verdict, decide
from flows.contracts.suites import suite_of
from flows.errors import DeliveryRefused, StillAwaited
from flows.intake import history
from flows.intake.intake import Intake, Received
from flows.intake.manifest import Manifest, is_delivered, no_manifest, read_manifest
from flows.intake.receive import receive
from flows.intake.sources.declared import read_sources, source_of
from flows.ledger import Ledger
from flows.overrides import in_force
from flows.past_dates import is_in_manifest, of_past_dates
from flows.settings import Instance
from flows.waiting import is_before, wait_for

Step = Callable[[str], None]
log = logging.getLogger("scv.tables")


@task(cache_policy=NO_CACHE)
def check_contracts(contracts: Mapping[str, Contract]) -> None:
    """Make every suite before anything is taken in: a wrong contract stops the night at once."""
    declared = read_sources()
    refuse_unknown_tables(read_calendar(), contracts)
    for contract in contracts.values():
        suite_of(contract)
        source_of(declared, contract)


def read_the_manifest(
    instance: Instance, contracts: Mapping[str, Contract], day: dt.date, step: Step
) -> Manifest:
    """Read what the client says it has sent, where any of its sources sends a manifest.

    It is waited for as long as any of the tables that it names.

    Raises:
        NothingDelivered: when there is none at the end of that.
        FileBroken, WrongDay: when it is none, or one of another date.
    """
    declared = read_sources()
    named = [c for c in contracts.values() if is_in_manifest(source_of(declared, c), c.table)]
    if not named:
        return no_manifest(instance, day)
    until = max(contract.wait_until for contract in named)
    if not is_delivered(instance, day) and is_before(instance, day, until):
        step(f"awaiting the manifest until {until}")
    deadline = clock.due_at(instance, day, until)
    return wait_for(lambda: read_manifest(instance, day), "read the manifest", instance, deadline)


def intakes(
    instance: Instance,
    ledger: Ledger,
    contracts: Mapping[str, Contract],
    manifest: Manifest,
    day: dt.date,
) -> list[Intake]:
    """Return what is to be taken in: each table of the date, after what came late or corrected."""
    declared, calendar = read_sources(), read_calendar()
    found = []
    for contract in contracts.values():
        source = source_of(declared, contract)
        found += of_past_dates(instance, ledger, contract, source, day)
        due = expected(contract, calendar, day)
        found.append(Intake(instance, ledger, contract, source, day, manifest, due))
    return found


def take_in(asked: Sequence[Intake], day: dt.date, step: Step) -> list[Received]:
    """Take in what is there, then wait for what is late; return what became of the day's tables.

    Args:
        asked: every table of the date, and what is late of earlier ones.
        day: the business date.
        step: is told what is waited for, and until when.
    """
    received = {}
    for intake in asked:
        named = receive_table.with_options(task_run_name=f"receive {intake.contract.table}")
        found = named(intake, day)
        if intake.day == day:
            received[intake.contract.table] = found
    late = [
        intake
        for intake in asked
        if intake.day == day and received[intake.contract.table].state == "late"
    ]
    return list((received | _await(late, step)).values())


@task(cache_policy=NO_CACHE)
def receive_table(intake: Intake, tonight: dt.date) -> Received:
    """Take in one table, or find that it is late and still awaited."""
    left = _as_published(intake) if intake.day == tonight else None
    received = left or receive(intake, awaited=_is_awaited(intake))
    _say_received(received)
    return received


def _is_awaited(intake: Intake) -> bool:
    return is_before(intake.instance, intake.day, intake.contract.wait_until)


def _as_published(intake: Intake) -> Received | None:
    """Return what the view was published without, where the contract leaves it for tomorrow."""
    contract, day = intake.contract, intake.day
    published = history.published_without(intake.ledger, contract.table, day)
    if contract.late_arrival != "tomorrow" or not published:
        return None
    return Received(
        contract.table,
        "missing",
        f"{contract.table} was not here when {day} was published; whatever has come since is "
        f"taken in with the next night (contract: late_arrival tomorrow, {contract.decided})",
    )


def _await(late: Sequence[Intake], step: Step) -> dict[str, Received]:
    """Look for all late tables in turn, so that none waits for the deadline of another."""
    found: dict[str, Received] = {}

    def look() -> dict[str, Received]:
        for intake in late:
            if intake.contract.table not in found and (received := _look(intake)):
                found[intake.contract.table] = received
        left = [each.contract for each in late if each.contract.table not in found]
        if left:
            told = ", ".join(f"{each.table} until {each.wait_until}" for each in left)
            step(f"awaiting {told}")
            raise StillAwaited(f"Awaiting {told}.")
        return found

    if not late:
        return found
    names = ", ".join(each.contract.table for each in late)
    until = max(clock.due_at(each.instance, each.day, each.contract.wait_until) for each in late)
    return wait_for(look, f"await {names}", late[0].instance, until)


def _look(intake: Intake) -> Received | None:
    """Look once more for a late table: return what became of it, None while it is awaited."""
    contract = intake.contract
    received = receive(_with_its_manifest(intake), awaited=_is_awaited(intake))
    if received.state != "late":
        _say_received(received)
        return received
    if not is_before(intake.instance, intake.day, contract.ready_by):
        told = f"Awaited until {contract.wait_until}, promised for {contract.ready_by}. "
        history.write_late(intake.ledger, contract.table, intake.day, told + received.sentence)
    return None


def _with_its_manifest(intake: Intake) -> Intake:
    # What comes late may come with another manifest than the one that did not name it.
    if not intake.must_be_named:
        return intake
    try:
        return replace(intake, manifest=read_manifest(intake.instance, intake.day))
    except DeliveryRefused:
        return intake


def _say_received(received: Received) -> None:
    if received.state == "late":
        # What to do about it is said when its time is over.
        log.warning("%s is not here yet: it is awaited", received.table)
        return
    if received.counts is None:
        level = logging.INFO if received.state == "not_due" else logging.WARNING
        log.log(level, "%s is %s: %s", received.table, received.state, received.sentence)
        return
    before = " (taken before)" if received.taken_before else ""
    state = "" if received.state == "arrived" else f", {received.state}"
    log.info(
        "%s: %s accepted, %s set aside, %d of %d checks passed%s%s",
        received.table,
        f"{received.counts.accepted:,}",
        f"{received.counts.quarantined:,}",
        received.checks_run - received.checks_failed,
        received.checks_run,
        before,
        state,
    )


@task(cache_policy=NO_CACHE, task_run_name="look up the policies")
def judge(
    instance: Instance,
    ledger: Ledger,
    contracts: Mapping[str, Contract],
    received: Sequence[Received],
    day: dt.date,
) -> list[Verdict]:
    """Look up what was decided for each table's state, by contract or for this night."""
    calendar, overridden = read_calendar(), in_force(instance, ledger, day)
    odd = [each.table for each in received if each.state == "out_of_band"]
    for table in odd:
        # What an override let in is let in while it holds: it is asked anew.
        history.use(ledger, table, day, used=False)
    verdicts = [
        decide(
            contracts[each.table],
            day,
            each.state,
            each.sentence,
            history.last_good(ledger, each.table, day),
            expected(contracts[each.table], calendar, day),
            overridden.get(each.table),
            history.first_gap(ledger, each.table, day),
        )
        for each in received
    ]
    for verdict in verdicts:
        if verdict.table in odd and verdict.counts_as_fresh:
            history.use(ledger, verdict.table, day, used=True)
    return verdicts
