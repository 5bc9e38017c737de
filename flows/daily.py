"""The nightly batch of one business date.

Take in every table, look up what the contracts say of those that did not come as agreed, build
beside live, publish, ask the gate, send. Running it again changes nothing that is done. Whatever
stops it leaves live as it was, and says what, where and what to do next.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows import watch
from flows.artifacts import show_campaigns, show_tables
from flows.builds import dbt, live
from flows.builds.build import Build, build
from flows.builds.recount import recount
from flows.builds.retention import remove_old_builds
from flows.campaigns import gate, lineage
from flows.campaigns.dispatch import Sent, dispatch
from flows.campaigns.gate import Decision
from flows.campaigns.graph import Graph
from flows.contracts.contract import Contract
from flows.contracts.files import read_contracts
from flows.contracts.policy import Verdict
from flows.errors import BuildFailed, NightStopped
from flows.guards import refuse_a_gap, refuse_a_past_date
from flows.ledger import Ledger
from flows.nights import open_night
from flows.notices import tell_of_a_stopped_night, tell_of_held_campaigns
from flows.pages import write_pages
from flows.prefect_server import ends_with_us
from flows.releases import deploys
from flows.run_anyway import is_any_due, stand_in
from flows.settings import Instance, read_instance
from flows.tables import check_contracts, intakes, judge, read_the_manifest, take_in

log = logging.getLogger("scv.daily")
ends_with_us()


@dataclass(frozen=True)
class Options:
    """How a night is run: see `daily`."""

    send: bool
    from_nothing: bool


@flow(name="daily", flow_run_name="daily {business_date}", validate_parameters=True)
def daily(business_date: dt.date, send: bool = True, from_nothing: bool = False) -> str:
    """Run the batch of a business date and return the id of the build that is live after it.

    Args:
        business_date: the trading day that the client has delivered.
        send: False for the initial delivery, from which nobody is written to.
        from_nothing: True to build from every batch there is, on top of no base.

    Raises:
        Stopped: whatever stopped the night; live stays as it was.
    """
    instance = read_instance()
    ledger = Ledger(instance.ledger_url)
    # Asked before there is a night: a date that may not be run leaves no trace of one.
    refuse_a_past_date(instance, business_date)
    refuse_a_gap(instance, ledger, business_date)
    try:
        options = Options(send, from_nothing)
        return run_night(instance, ledger, business_date, options)
    except Exception:
        tell_of_a_stopped_night(instance, ledger, business_date)
        raise
    finally:
        write_pages(instance, ledger, instance.reports)


def run_night(instance: Instance, ledger: Ledger, business_date: dt.date, options: Options) -> str:
    """The steps of a night, in order; each is a task."""
    with open_night(instance, ledger, business_date) as night:
        for sentence in night.repaired:
            log.warning(sentence)
        contracts = read_contracts()
        check_contracts(contracts)
        night.step("taking in the tables")
        manifest = read_the_manifest(instance, contracts, business_date, night.step)
        asked = intakes(instance, ledger, contracts, manifest, business_date)
        received = take_in(asked, business_date, night.step)
        verdicts = judge(instance, ledger, contracts, received, business_date)
        show_tables(received, verdicts)
        blocking = [verdict.sentence for verdict in verdicts if not verdict.may_build]
        if blocking:
            if options.send and is_any_due(instance, business_date):
                night.step("sending what runs anyway")
                went = run_anyway(instance, ledger, contracts, verdicts, business_date)
                blocking += [f"{each.campaign_id} went out anyway." for each in went]
            raise NightStopped(" ".join(blocking))
        night.step("building the view")
        built = build_the_view(instance, ledger, contracts, verdicts, business_date, options)
        deploy = watch.first_night(instance, ledger)
        if deploy is not None and deploy["candidate_id"] != built.build_id:
            night.step("watching the first night of a release")
            watch.refuse_another_shape(instance, ledger, deploy, built.build_id)
        night.step("publishing")
        publish_the_view(instance, ledger, built.build_id)
        remove_old_builds(instance)
        if not options.send or manifest.initial:
            night.done(built.build_id, "The history is loaded; nobody is written to from it.")
            return built.build_id
        night.step("asking the gate")
        decided = ask_the_gate(instance, ledger, built.build_id, verdicts, business_date)
        night.step("sending")
        sent = send_campaigns(instance, ledger, built.build_id, business_date, decided)
        show_campaigns(decided)
        held = [decision for decision in decided if decision.verdict == "held"]
        why = {decision.due.campaign_id: decision.sentence for decision in held}
        tell_of_held_campaigns(instance, ledger, business_date, why)
        told = [f"{len(sent)} campaigns sent, {len(held)} held."]
        if instance.recount_customers:
            # Nobody waits for it any more.
            night.step("counting a sample anew")
            told.append(count_anew(instance, contracts, built.build_id))
        night.done(built.build_id, " ".join(told))
        return built.build_id


@task(cache_policy=NO_CACHE, task_run_name="build the view")
def build_the_view(
    instance: Instance,
    ledger: Ledger,
    contracts: Mapping[str, Contract],
    verdicts: Sequence[Verdict],
    day: dt.date,
    options: Options,
) -> Build:
    """Build beside live; dbt runs in a process of its own."""
    from_nothing = options.from_nothing
    built = build(instance, ledger, contracts, verdicts, day, dbt.told_to(log), from_nothing)
    if built.reused:
        log.info("%s is built from the same batches already: kept", built.build_id)
    else:
        log.info("%s is built and tested in %.1f s", built.build_id, built.seconds)
    return built


@task(cache_policy=NO_CACHE, task_run_name="send what runs anyway")
def run_anyway(
    instance: Instance,
    ledger: Ledger,
    contracts: Mapping[str, Contract],
    verdicts: Sequence[Verdict],
    day: dt.date,
) -> list[Sent]:
    """Send the campaigns that run anyway from a build that stands in; live stays as it is."""
    built = stand_in(instance, ledger, contracts, verdicts, day)
    decided = ask_the_gate(instance, ledger, built.build_id, verdicts, day)
    sent = send_campaigns(instance, ledger, built.build_id, day, decided)
    show_campaigns(decided)
    return sent


@task(cache_policy=NO_CACHE, task_run_name="publish")
def publish_the_view(instance: Instance, ledger: Ledger, build_id: str) -> None:
    """Point live at the build, unless it points there already."""
    if live.current(instance) != build_id:
        live.publish(instance, ledger, build_id)
        deploys.lapse(ledger, build_id)
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
    reads = lineage.read(Graph.read(live.manifest_of(instance, build_id)))
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


@task(cache_policy=NO_CACHE, task_run_name="count a sample anew")
def count_anew(
    instance: Instance,
    contracts: Mapping[str, Contract],
    build_id: str,
) -> str:
    """Hold some customers of the build against all its batches; return what came of it.

    The campaigns are out: whatever is found, the night is done, and says it.
    """
    try:
        asked = instance.recount_customers
        found = recount(instance, contracts, build_id, asked)
    except BuildFailed as failed:
        log.warning("no sample could be counted anew: %s", failed)
        return f"No sample could be counted anew: {failed}"
    log.log(logging.WARNING if found.differences else logging.INFO, found.sentence)
    return found.sentence
