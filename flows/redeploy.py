"""Tuesday's redeploy: today's view made again with new code, compared, approved and published.

What is live stays readable throughout, and is moved once everything is known: which attributes
change, for whom, and whether change requests declare it. Nothing is sent. Running it again takes it
up where it was left; the code that runs here is the control checkout's, which no deploy replaces.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from prefect import flow, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput

from flows import clock, slots
from flows.asking import ask
from flows.builds import dbt, live
from flows.builds.release import code_version
from flows.comparison.compare import compare
from flows.comparison.result import Comparison
from flows.comparison.sides import Limits
from flows.comparison_pages import write_comparison
from flows.diff import prints_of
from flows.errors import (
    AwaitsApproval,
    NotAllSent,
    ReleaseBlocked,
    ReleaseRefused,
    Stopped,
    WindowMissed,
)
from flows.ledger import Ledger
from flows.nightly import slot
from flows.nights import repair
from flows.notices import tell_of_a_release
from flows.pages import write_pages
from flows.prefect_server import ends_with_us
from flows.release_checks import closing_hour, code_of_live, refuse_unproven, refuse_unsent
from flows.releases import approval, deploys, requests
from flows.releases.deploys import Deploy
from flows.releases.worktrees import Release, check_out, fetch
from flows.settings import Instance, read_instance
from flows.waiting import wait_for

log = logging.getLogger("scv.redeploy")
ends_with_us()
# A release that a person began by hand waits for them so long.
A_WHILE = dt.timedelta(hours=4)


class Approval(RunInput):
    """What a person decides on the report of a release. Nothing is filled in beforehand."""

    report_hash: str
    who: str
    why: str
    approve: bool


@flow(name="redeploy", flow_run_name="redeploy {ref}", validate_parameters=True)
def redeploy(ref: str = "", scheduled: bool = False) -> str:
    """Bring a release live instead of what is live, on today's data; return what came of it.

    Args:
        ref: a commit, branch or tag; else the instance's `release_ref`.
        scheduled: True to keep to Tuesday's hours, and to wait in them until all is sent.

    Raises:
        Stopped: why the release is not live. What was live is live, with its code.
    """
    instance = read_instance()
    ledger = Ledger(instance.ledger_url)
    named = ref or instance.release_ref
    with _told(instance, ledger, named):
        until = closing_hour(instance) if scheduled else clock.now(instance)
        try:
            return deploy(instance, ledger, named, until)
        except AwaitsApproval as waits:
            if not runtime.deployment.id:
                raise
            tell_of_a_release(instance, ledger, "waiting", f"{named} waits", str(waits))
            _ask_in_the_pages(instance, ledger, str(waits), until)
            return deploy(instance, ledger, named, until)


def deploy(instance: Instance, ledger: Ledger, ref: str, until: dt.datetime) -> str:
    """The steps of a redeploy, in order; each is a row of the ledger."""
    fetch()
    release = check_out(instance, ref)
    before = code_of_live(instance, ledger)
    if release.commit == before.commit:
        said = [f"{release.commit} is live already: there is nothing to deploy."]
        if "+" in code_version():
            said.append("A release is a commit, and this folder has edits that are in none.")
        if deploys.is_any_open(ledger) or slots.is_left_behind(instance, ledger):
            # Killed when it had published, before it could write that down or give the slot back.
            with slots.hold(instance, ledger, f"the deploy of {release.commit}"):
                said += repair(instance, ledger)
        return " ".join(said)
    refuse_unproven(instance, release)
    build_id = live.current_or_stop(instance)
    wait_for(lambda: refuse_unsent(instance, ledger, build_id), "all is sent", instance, until)
    queued = slot(instance) if runtime.deployment.id else nullcontext()
    with queued, slots.hold(instance, ledger, f"the deploy of {release.commit}"):
        for sentence in repair(instance, ledger):
            log.warning(sentence)
        # While the slot was waited for a night may have gone live.
        build_id = live.current_or_stop(instance)
        run = deploys.open_deploy(ledger, release.commit, build_id)
        try:
            return _deploy(instance, run, before, release)
        except AwaitsApproval as waits:
            run.end("waiting", str(waits))
            raise
        except ReleaseRefused as refused:
            run.end("refused", str(refused))
            raise
        except Stopped as stopped:
            run.end("stopped", str(stopped))
            raise


def _deploy(instance: Instance, run: Deploy, before: Release, release: Release) -> str:
    with run.step("all sent") as step:
        refuse_unsent(instance, run.ledger, run.build_id)
        step.sentence = "Everything due is sent, held or cancelled."
    if not run.is_proved("replay"):
        with run.step("replay") as step:
            step.sentence = prove_replay(instance, before, run.build_id)
    with run.step("candidate") as step:
        made = make_candidate(instance, release, run.build_id)
        candidate = str(made["build_id"])
        run.tell(candidate_id=candidate)
        step.sentence = _told_of(made)
    with run.step("compare") as step:
        found = compare_builds(instance, run.ledger, run.build_id, candidate)
        brought = requests.between(before, release)
        judged = approval.judged(instance, found, candidate, brought.values())
        requests.write_down(run, brought)
        run.tell(report_hash=found.digest)
        page = write_comparison(instance.comparisons, candidate, found, judged)
        step.sentence = f"{judged.words} The report: {page}"
    with run.step("approve") as step:
        step.sentence = approval.approved(run, found, judged)
    with run.step("publish") as step:
        step.sentence = publish_rehearsed(instance, run.ledger, candidate, run.build_id)
    said = f"{release.commit} is live as {candidate}. {step.sentence}"
    run.end("published", said)
    shown = f"comparisons/{candidate}.html"
    tell_of_a_release(instance, run.ledger, "deployed", f"{release.commit} is live", said, shown)
    return said


@task(cache_policy=NO_CACHE, task_run_name="replay")
def prove_replay(instance: Instance, before: Release, build_id: str) -> str:
    """Have the code of live make live again, and hold every row against it."""
    done = ask(before, instance, "replay", build_id, dbt.told_to(log))
    return f"{build_id} comes out of its own code and batches again, in {done['tables']} tables."


@task(cache_policy=NO_CACHE, task_run_name="candidate")
def make_candidate(instance: Instance, release: Release, build_id: str) -> dict[str, Any]:
    """Have the release make the view of the very batches of live, and test all of it."""
    return ask(release, instance, "candidate", build_id, dbt.told_to(log))


@task(cache_policy=NO_CACHE, task_run_name="compare")
def compare_builds(instance: Instance, ledger: Ledger, build_id: str, candidate: str) -> Comparison:
    """Compare what is live with the candidate, column by column.

    The candidate is read as it stands now, whatever it was when it was built: what was altered
    after its approval has another hash.
    """
    spill = instance.root / "spill" / "deploy"
    spill.mkdir(parents=True, exist_ok=True)
    limits = Limits(instance.memory_limit, instance.threads, spill)
    files = [live.path_of(instance, each) for each in (build_id, candidate)]
    graphs = [live.manifest_of(instance, each) for each in (build_id, candidate)]
    before = prints_of(ledger, build_id)
    return compare(*files, *graphs, limits=limits, before_prints=before)


@task(cache_policy=NO_CACHE, task_run_name="publish")
def publish_rehearsed(instance: Instance, ledger: Ledger, candidate: str, build_id: str) -> str:
    """Publish, roll back and publish: the way back is tried while nobody needs it."""
    took = []
    if live.current(instance) == build_id:
        for move in ("publish", "roll back", "publish"):
            started = time.monotonic()
            if move == "publish":
                live.publish(instance, ledger, candidate, instead_of=build_id)
            else:
                live.roll_back(instance, ledger)
            took.append(f"{move} {time.monotonic() - started:.2f} s")
    if live.current(instance) != candidate:
        raise ReleaseBlocked(
            f"Live is {live.current(instance)} and no longer {build_id}, with which {candidate} "
            "was compared. Deploy again: it is compared anew"
        )
    deploys.lapse(ledger, candidate)
    return f"Rehearsed: {', '.join(took)}." if took else "It was live already."


@contextmanager
def _told(instance: Instance, ledger: Ledger, named: str) -> Iterator[None]:
    """Tell people what a release stopped at, and write the pages whatever came of it."""
    try:
        yield
    except AwaitsApproval as waits:
        tell_of_a_release(instance, ledger, "waiting", f"{named} waits for you", str(waits))
        raise
    except (WindowMissed, NotAllSent) as skipped:
        tell_of_a_release(instance, ledger, "skipped", f"{named} is put off", str(skipped))
        raise
    except Stopped as stopped:
        tell_of_a_release(instance, ledger, "failed", f"{named} does not go live", str(stopped))
        raise
    finally:
        write_pages(instance, ledger, instance.reports)


def _ask_in_the_pages(
    instance: Instance, ledger: Ledger, sentence: str, until: dt.datetime
) -> None:
    """Suspend the run until somebody decides on its page; then it begins again from its top."""
    left = max(until - clock.now(instance), A_WHILE)
    asked = Approval.with_initial_data(description=sentence)
    told = suspend_flow_run(wait_for_input=asked, timeout=int(left.total_seconds()))
    decision = "approved" if told.approve else "refused"
    deploys.decide(ledger, told.report_hash, decision, told.who, told.why)


def _told_of(made: dict[str, Any]) -> str:
    if not made["remade"]:
        return f"{made['build_id']} holds what it held before: nothing had to be made anew."
    return f"{made['build_id']}: {len(made['remade'])} models made anew in {made['seconds']:.0f} s."
