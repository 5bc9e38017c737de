"""The same day once more: what came late or corrected goes in, and what was held goes out.

Every table that is not asked for stays exactly as it was pinned. The view is built from the same
base, compared with what was published, and published in its place; then the gate is asked again,
and only what it held is sent. Running it twice changes nothing.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows import clock, slots
from flows.artifacts import show_campaigns
from flows.builds import live, pinned_batches, pins
from flows.builds.build import Build, build_pinned
from flows.comparison.result import Comparison
from flows.comparison_pages import write_comparison
from flows.contracts.calendar import expected, read_calendar
from flows.contracts.contract import Contract
from flows.contracts.files import read_contracts
from flows.contracts.policy import Verdict
from flows.daily import ask_the_gate, publish_the_view, send_campaigns
from flows.diff import compare_named
from flows.errors import CannotPublish, InstanceBusy, NightStopped, SettingsWrong
from flows.intake.intake import Intake
from flows.intake.sources.declared import read_sources, source_of
from flows.ledger import Ledger, builds, decisions
from flows.nights import Night, open_night
from flows.pages import write_pages
from flows.past_dates import is_in_manifest, manifest_for, of_past_dates
from flows.prefect_server import ends_with_us
from flows.settings import Instance, read_instance
from flows.tables import check_contracts, judge, receive_table
from flows.waiting import wait_for

log = logging.getLogger("scv.rerun")
ends_with_us()
# A batch that is sending is done in minutes; who waits longer is told what it is doing.
PATIENCE = dt.timedelta(minutes=30)


@flow(name="rerun", flow_run_name="rerun {business_date}", validate_parameters=True)
def rerun(business_date: dt.date, tables: Sequence[str] = ()) -> str:
    """Take in some tables of the date that is live once more; return the build that is live then.

    Args:
        business_date: that of what is live.
        tables: those that came late or corrected; none for whatever there may be of them.

    Raises:
        Stopped: whatever stopped it; live stays as it was.
    """
    instance = read_instance()
    ledger = Ledger(instance.ledger_url)
    contracts = read_contracts()
    published = _published(instance, business_date)
    pinned = pinned_batches.read(live.batches_of(instance, published), contracts)
    asked = _asked(contracts, tables) or _may_have_come(pinned)
    until = clock.now(instance) + PATIENCE
    wait_for(lambda: _refuse_busy(instance, ledger), "wait for the slot", instance, until)
    try:
        with open_night(instance, ledger, business_date) as night:
            return _rerun(instance, ledger, contracts, asked, night)
    finally:
        write_pages(instance, ledger, instance.reports)


def _rerun(
    instance: Instance,
    ledger: Ledger,
    contracts: Mapping[str, Contract],
    asked: Sequence[str],
    night: Night,
) -> str:
    for sentence in night.repaired:
        log.warning(sentence)
    published = live.current_or_stop(instance)
    day = dt.date.fromisoformat(published[:10])
    check_contracts(contracts)
    night.step("taking in the tables")
    pinned = pinned_batches.read(live.batches_of(instance, published), contracts)
    verdicts = take_in_again(instance, ledger, contracts, asked, day)
    blocking = [verdict.sentence for verdict in verdicts if not verdict.may_build]
    if blocking:
        raise NightStopped(" ".join(blocking))
    anew = {each.contract.table: each for each in pins.choose(ledger, contracts, verdicts)}
    taken = [anew.get(each.contract.table, each) for each in pinned]
    night.step("building the view")
    built = build_the_view_again(instance, ledger, published, taken)
    if built.build_id != published:
        night.step("comparing with what was published")
        compare_with_published(instance, ledger, published, built.build_id)
        night.step("publishing")
        publish_the_view(instance, ledger, built.build_id)
    night.step("asking the gate")
    held_before = held_on(ledger, day)
    decided = ask_the_gate(instance, ledger, built.build_id, [e.verdict for e in taken], day)
    night.step("sending")
    again = [each for each in decided if each.due.campaign_id in held_before]
    sent = send_campaigns(instance, ledger, built.build_id, day, again)
    show_campaigns(decided)
    new = [each.campaign_id for each in sent if not each.sent_before]
    held = sum(each.verdict == "held" for each in decided)
    night.done(built.build_id, f"{len(new)} campaigns sent that were held, {held} held.")
    return built.build_id


@task(cache_policy=NO_CACHE, task_run_name="take in again")
def take_in_again(
    instance: Instance,
    ledger: Ledger,
    contracts: Mapping[str, Contract],
    asked: Sequence[str],
    day: dt.date,
) -> list[Verdict]:
    """Take in what there is now of some tables, of past dates too, and judge them anew."""
    declared = read_sources()
    received = []
    for table in asked:
        contract = contracts[table]
        source = source_of(declared, contract)
        for intake in of_past_dates(instance, ledger, contract, source, day):
            receive_table(intake, day)
        told = manifest_for(instance, contract, source, day)
        due = expected(contract, read_calendar(), day)
        again = Intake(instance, ledger, contract, source, day, told, due, again=True)
        received.append(receive_table(again, day))
    return judge(instance, ledger, contracts, received, day)


@task(cache_policy=NO_CACHE, task_run_name="build the view")
def build_the_view_again(
    instance: Instance, ledger: Ledger, published: str, taken: Sequence[pins.Pinned]
) -> Build:
    """Build from the base of what is published; with nothing new in it that is kept."""
    query = sa.select(builds.c.base_build_id).where(builds.c.build_id == published)
    base = (ledger.row(query) or {}).get("base_build_id")
    day = dt.date.fromisoformat(published[:10])
    built = build_pinned(instance, ledger, day, base, taken)
    log.info("%s %s", built.build_id, "is kept" if built.reused else "is built and tested")
    return built


@task(cache_policy=NO_CACHE, task_run_name="compare")
def compare_with_published(
    instance: Instance, ledger: Ledger, published: str, build_id: str
) -> Comparison:
    """Say what the tables that came change, on a page."""
    found = compare_named(instance, ledger, published, build_id)
    page = write_comparison(instance.comparisons, build_id, found)
    names = [each.name for each in found.view.attributes]
    log.info("%d attributes differ from %s: %s", len(names), published, page)
    return found


def _published(instance: Instance, day: dt.date) -> str:
    build_id = live.current_or_stop(instance)
    if day.isoformat() > build_id[:10]:
        raise CannotPublish(f"Live is {build_id}. To run a date after it: scv run {day}")
    if build_id[:10] != day.isoformat():
        raise CannotPublish(
            f"Live is {build_id}: only its date can be run again, and {day} is another. What came "
            "late for an earlier date goes in with the next night"
        )
    if not live.batches_of(instance, build_id).is_file():
        raise CannotPublish(
            f"What {build_id} was made of is not known any more. Run the whole date: scv run {day}"
        )
    return build_id


def _refuse_busy(instance: Instance, ledger: Ledger) -> None:
    try:
        slots.refuse_busy(instance, ledger)
    except InstanceBusy as busy:
        log.info("Waiting: %s", busy)
        raise


def _asked(contracts: Mapping[str, Contract], tables: Sequence[str]) -> list[str]:
    for table in tables:
        if table not in contracts:
            raise SettingsWrong(
                f"There is no contract for {table}. There are: {', '.join(contracts)}."
            )
    return list(dict.fromkeys(tables))


def _may_have_come(pinned: Sequence[pins.Pinned]) -> list[str]:
    # A file is known by its bytes, so it is looked at again; a database would be asked for what
    # changed since, and only where it did not answer as agreed.
    declared, fine = read_sources(), ("arrived", "not_due")
    return [
        each.contract.table
        for each in pinned
        if each.verdict.state not in fine
        or is_in_manifest(source_of(declared, each.contract), each.contract.table)
    ]


def held_on(ledger: Ledger, day: dt.date) -> set[str]:
    """Return the campaigns of a date that the gate has ever held; dispatch knows which have gone.

    Not those that it held when it was last asked: a rerun that was killed had asked it, been told
    that they may go, and had not sent them yet.
    """
    query = sa.select(decisions.c.campaign_id).where(
        decisions.c.business_date == day, decisions.c.verdict == "held"
    )
    return {row["campaign_id"] for row in ledger.rows(query)}
