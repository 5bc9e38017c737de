"""The nightly batch of one business date.

Take in every table, look up what the contracts say of those that did not come as agreed, build
beside live, publish, ask the gate, send. Running it again changes nothing that is done. Whatever
stops it leaves live as it was, and says what, where and what to do next.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.context import TaskRunContext

from flows.artifacts import show_campaigns, show_tables
from flows.builds import live
from flows.builds.build import Build, build
from flows.builds.retention import remove_old_builds
from flows.campaigns import gate, lineage
from flows.campaigns.dispatch import Sent, dispatch
from flows.campaigns.gate import Decision
from flows.contracts.contract import Contract, read_contracts
from flows.contracts.policy import Verdict, decide
from flows.contracts.suites import suite_of
from flows.errors import NightStopped, TableMissing
from flows.guards import refuse_a_gap, refuse_a_past_date
from flows.intake.landing import locate
from flows.intake.manifest import Manifest, read_manifest
from flows.intake.receive import Intake, Received, last_good, receive
from flows.ledger import Ledger
from flows.nights import open_night
from flows.pages import write_pages
from flows.prefect_server import ends_with_us
from flows.settings import Instance, read_instance

log = logging.getLogger("scv.daily")
ends_with_us()


@flow(name="daily", flow_run_name="daily {business_date}", validate_parameters=True)
def daily(business_date: dt.date, send: bool = True) -> str:
    """Run the batch of a business date and return the id of the build that is live after it.

    Args:
        business_date: the trading day that the client has delivered.
        send: False for the initial delivery, from which nobody is written to.

    Raises:
        Stopped: whatever stopped the night; live stays as it was.
    """
    instance = read_instance()
    ledger = Ledger(instance.ledger_url)
    # Asked before there is a night: a date that may not be run leaves no trace of one.
    refuse_a_past_date(instance, business_date)
    refuse_a_gap(instance, ledger, business_date)
    try:
        return run_night(instance, ledger, business_date, send=send)
    finally:
        write_pages(ledger, instance.reports)


def run_night(instance: Instance, ledger: Ledger, business_date: dt.date, *, send: bool) -> str:
    """The steps of a night, in order; each is a task."""
    with open_night(instance, ledger, business_date) as night:
        for sentence in night.repaired:
            log.warning(sentence)
        contracts = read_contracts()
        check_contracts(contracts)
        night.step("taking in the tables")
        manifest = read_the_manifest(instance, business_date)
        received = [
            receive_table.with_options(
                task_run_name=f"receive {contract.table}",
                retries=instance.patience,
                retry_delay_seconds=instance.patience_seconds,
            )(Intake(instance, ledger, contract, business_date, manifest))
            for contract in contracts.values()
        ]
        verdicts = judge(ledger, contracts, received, business_date)
        show_tables(received, verdicts)
        night.step("building the view")
        built = build_the_view(instance, ledger, contracts, verdicts, business_date)
        night.step("publishing")
        publish_the_view(instance, ledger, built.build_id)
        remove_old_builds(instance)
        if not send or manifest.initial:
            night.done(built.build_id, "The history is loaded; nobody is written to from it.")
            return built.build_id
        night.step("asking the gate")
        decided = ask_the_gate(instance, ledger, built.build_id, verdicts, business_date)
        night.step("sending")
        sent = send_campaigns(instance, ledger, built.build_id, business_date, decided)
        show_campaigns(decided)
        held = [decision for decision in decided if decision.verdict == "held"]
        night.done(built.build_id, f"{len(sent)} campaigns sent, {len(held)} held.")
        return built.build_id


@task(cache_policy=NO_CACHE)
def check_contracts(contracts: Mapping[str, Contract]) -> None:
    """Make every suite before anything is taken in: a wrong contract stops the night at once."""
    for contract in contracts.values():
        suite_of(contract)


@task(cache_policy=NO_CACHE, task_run_name="read the manifest")
def read_the_manifest(instance: Instance, day: dt.date) -> Manifest:
    """Read what the client says it has sent."""
    return read_manifest(instance, day)


def _may_still_come(_task: Any, _run: Any, state: Any) -> bool:
    """Wait for a table that is not there; never for one that is wrong."""
    return isinstance(state.result(raise_on_failure=False), TableMissing)


@task(cache_policy=NO_CACHE, retry_condition_fn=_may_still_come)
def receive_table(intake: Intake) -> Received:
    """Take in one table. While there is patience left, a missing file is waited for."""
    context = TaskRunContext.get()
    tries = context.task_run.run_count if context else 1
    if intake.contract.source == "file" and tries <= intake.instance.patience:
        locate(intake.instance, intake.contract, intake.day)
    received = receive(intake)
    _say_received(received)
    return received


def _say_received(received: Received) -> None:
    if received.counts is None:
        log.warning("%s is %s: %s", received.table, received.state, received.sentence)
        return
    before = " (taken before)" if received.taken_before else ""
    log.info(
        "%s: %s accepted, %s set aside, %d of %d checks passed%s",
        received.table,
        f"{received.counts.accepted:,}",
        f"{received.counts.quarantined:,}",
        received.checks_run - received.checks_failed,
        received.checks_run,
        before,
    )


@task(cache_policy=NO_CACHE, task_run_name="look up the policies")
def judge(
    ledger: Ledger,
    contracts: Mapping[str, Contract],
    received: Sequence[Received],
    day: dt.date,
) -> list[Verdict]:
    """Look up what was decided for each table's state.

    Raises:
        NightStopped: when a policy says that nothing may be built.
    """
    verdicts = [
        decide(
            contracts[each.table],
            day,
            each.state,
            each.sentence,
            last_good(ledger, each.table, day),
        )
        for each in received
    ]
    blocking = [verdict.sentence for verdict in verdicts if not verdict.may_build]
    if blocking:
        raise NightStopped(" ".join(blocking))
    return verdicts


@task(cache_policy=NO_CACHE, task_run_name="build the view")
def build_the_view(
    instance: Instance,
    ledger: Ledger,
    contracts: Mapping[str, Contract],
    verdicts: Sequence[Verdict],
    day: dt.date,
) -> Build:
    """Build beside live; dbt runs in a process of its own."""
    built = build(instance, ledger, contracts, verdicts, day, _say_progress)
    if built.reused:
        log.info("%s is built from the same batches already: kept", built.build_id)
    else:
        log.info("%s is built and tested in %.1f s", built.build_id, built.seconds)
    return built


def _say_progress(message: dict[str, Any]) -> None:
    log.info("%s %s", message["node"], message["status"].lower(), extra={"progress": message})


@task(cache_policy=NO_CACHE, task_run_name="publish")
def publish_the_view(instance: Instance, ledger: Ledger, build_id: str) -> None:
    """Point live at the build, unless it points there already."""
    if live.current(instance) != build_id:
        live.publish(instance, ledger, build_id)
    log.info("live is %s", build_id)


@task(cache_policy=NO_CACHE, task_run_name="ask the gate")
def ask_the_gate(
    instance: Instance,
    ledger: Ledger,
    build_id: str,
    verdicts: Sequence[Verdict],
    day: dt.date,
) -> list[Decision]:
    """Decide on each campaign that is due, and write it down."""
    reads = lineage.read(lineage.Graph.read(live.manifest_of(instance, build_id)))
    due = gate.campaigns_due(live.path_of(instance, build_id))
    decided = gate.decide(due, reads, verdicts, day)
    gate.write_down(ledger, build_id, day, decided)
    for decision in decided:
        if decision.verdict == "held":
            log.warning(decision.sentence)
    return decided


@task(cache_policy=NO_CACHE, task_run_name="send")
def send_campaigns(
    instance: Instance,
    ledger: Ledger,
    build_id: str,
    day: dt.date,
    decided: Sequence[Decision],
) -> list[Sent]:
    """Write the files of the campaigns that may go, each once."""
    sent = dispatch(instance, ledger, build_id, day, decided)
    for each in sent:
        when = " (sent before)" if each.sent_before else ""
        log.info("%s: %s messages%s", each.campaign_id, f"{each.chosen:,}", when)
    return sent
