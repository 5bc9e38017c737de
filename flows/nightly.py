"""The scheduled night: `scv run` of the release that made what is live, in that release's folder.

This flow belongs to the control checkout, which no deploy replaces. The code of a night is that
of the live build: a deploy leaves a night in flight on its own code, and who rolls live back has
rolled the code of the next night back too.
"""

from __future__ import annotations

import datetime as dt
import logging
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from prefect import flow, get_run_logger, runtime
from prefect.concurrency.sync import concurrency

from flows import clock, slots, watch, watched
from flows.builds import live
from flows.errors import NightFailed
from flows.ledger import Ledger, Row, nights
from flows.notices import notify, tell_of_a_failed_night
from flows.prefect_upkeep import slot_of
from flows.releases import deploys
from flows.releases.worktrees import Release, release_of_live
from flows.settings import PROJECT, Instance, read_instance

log = logging.getLogger("scv.nightly")
NOON = 12


@dataclass(frozen=True)
class Ended:
    """What a night came to: the exit code of `scv run`, and its last sentence."""

    code: int
    sentence: str


def _named() -> str:
    day = runtime.flow_run.parameters.get("business_date") or business_date_now(read_instance())
    return f"nightly {day}"


@flow(name="nightly", flow_run_name=_named, validate_parameters=True)
def nightly(business_date: dt.date | None = None) -> str:
    """Run the night of a business date with the code of what is live; return its last sentence.

    Args:
        business_date: the trading day; else the client's own date when the run starts. Before noon
            that is yesterday's: a run that starts late is still the night it was meant to be.

    Raises:
        NightFailed: with the sentence that the night ended with; live stays as it was.
    """
    instance = read_instance()
    day = business_date or business_date_now(instance)
    ledger, said = Ledger(instance.ledger_url), get_run_logger()
    with slot(instance):
        ended = run_watched(instance, ledger, day, said.info)
    if ended.code != 0:
        # A night that was killed could not tell it itself; what it told is not told again.
        tell_of_a_failed_night(instance, ledger, day, ended.sentence)
        raise NightFailed(ended.sentence)
    return ended.sentence


def business_date_now(instance: Instance) -> dt.date:
    """Return the business date whose night it is now, on the client's clock."""
    moment = clock.now(instance)
    return moment.date() - dt.timedelta(days=1 if moment.hour < NOON else 0)


@contextmanager
def slot(instance: Instance) -> Iterator[None]:
    """Wait for the instance in Prefect's own queue. The guarantee is not here: it is the lock.

    A night goes on when Prefect's server is away and the lease cannot be renewed.
    """
    with concurrency(
        slot_of(instance), strict=True, lease_duration=60, raise_on_lease_renewal_failure=False
    ):
        yield


def run_watched(
    instance: Instance, ledger: Ledger, day: dt.date, hear: Callable[[str], object] = log.info
) -> Ended:
    """Run a night with the code of live; where new code cannot build its first one, with the old.

    Then live is rolled back to the afternoon before the deploy, nothing has been sent, and the
    release stays out until it is mended and deployed again.
    """
    release = release_of_live(instance, ledger)
    hear(f"{day}, with code {release.commit if release else 'of the control checkout'}")
    deploy = watch.first_night(instance, ledger)
    ended = run_night(release, instance, day, hear)
    why = watch.is_of_the_code(ledger, deploy, str(day)) if ended.code and deploy else ""
    if deploy is None or not why:
        return ended
    with slots.hold(instance, ledger, f"taking {deploy['release']} back"):
        left, before = live.roll_back(instance, ledger)
        deploys.roll_back(ledger, left, f"Taken back by the evening watch. {why}")
    told = f"{deploy['release']} is taken back, {before} is live and its code builds the night."
    hear(told)
    notify(instance, "failed", "a release was taken back", f"{told} {why}")
    return run_night(release_of_live(instance, ledger), instance, day, hear)


def run_night(
    release: Release | None,
    instance: Instance,
    day: dt.date,
    hear: Callable[[str], object] = log.info,
) -> Ended:
    """Run `scv run DATE` of a release, in its folder, and wait for it.

    Args:
        release: whose code; None for that of this checkout.
        instance: whose night.
        day: the business date.
        hear: is called with each line of progress. They hold no customer's values; what is written
            to standard error might, and goes to a file of the instance.
    """
    at = release or Release("", PROJECT)
    errors = instance.root / "logs" / f"night-{day}.txt"
    errors.parent.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(instance.ledger_url)
    before = _last_night(ledger)
    # What Prefect told this process of its own run is not true of another.
    told = at.environment(instance).items()
    environment = {name: text for name, text in told if not name.startswith("PREFECT__")}
    command = at.command("flows.cli", "run", str(day))
    with errors.open("w") as file:
        night = watched.start(command, at.folder, environment, subprocess.PIPE, file)
        try:
            for line in night.stdout or ():
                if line.strip():
                    hear(line.rstrip())
            code = night.wait()
        finally:
            watched.end(night)
    said = _written_down(ledger, before)
    if code == 0 and said:
        errors.unlink()
        return Ended(0, said)
    # One that ends well and has written nothing down has done nothing.
    return Ended(code or 1, said or _stopped(errors) or _gone(day, errors))


def _stopped(errors: Path) -> str:
    lines = [line for line in errors.read_text().splitlines() if line.startswith("Stopped: ")]
    return lines[-1].removeprefix("Stopped: ") if lines else ""


def _last_night(ledger: Ledger) -> Row:
    return ledger.row(sa.select(nights).order_by(nights.c.id.desc())) or {"id": 0}


def _written_down(ledger: Ledger, before: Row) -> str:
    night = _last_night(ledger)
    return str(night["sentence"]) if night["id"] > before["id"] else ""


def _gone(day: dt.date, errors: Path) -> str:
    return (
        f"The night of {day} was killed, or ended before it began; what it said is in {errors}. "
        f"Live is whole. Run the date again: scv run {day}"
    )
