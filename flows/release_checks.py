"""May a release begin? Asked before anything is made."""

from __future__ import annotations

import datetime as dt

from flows import clock
from flows.builds import live
from flows.builds.release import code_version
from flows.errors import CannotReplay, NotAllSent, NotProvenOnQA, WindowMissed
from flows.ledger import Ledger
from flows.releases import deploys
from flows.releases.outgoing import not_settled
from flows.releases.worktrees import Release, release_of_live
from flows.settings import PROJECT, Instance


def closing_hour(instance: Instance) -> dt.datetime:
    """Return the closing hour of today's slot, or say that it is missed."""
    now = clock.now(instance)
    opens, closes = [
        dt.datetime.combine(now.date(), at, instance.time_zone)
        for at in (instance.redeploy_at, instance.redeploy_closes)
    ]
    # A run that starts late, when its server is back at night, does not catch up.
    if not opens <= now < closes:
        raise WindowMissed(
            f"It is {now:%A %H:%M}, and releases go live from {opens:%H:%M} to {closes:%H:%M}: "
            "this one waits for the next slot. By hand: scv redeploy"
        )
    return closes


def code_of_live(instance: Instance, ledger: Ledger) -> Release:
    """Return the release whose code made what is live, to be run again.

    Raises:
        CannotReplay: when an edited checkout made it, which is not here any more.
    """
    found = release_of_live(instance, ledger)
    if found is not None:
        return found
    made_by = live.release_of(ledger, live.current_or_stop(instance))
    if made_by != code_version():
        raise CannotReplay(
            f"What is live was made by {made_by}, an edited checkout that is not here any more: "
            "what a release changes could not be told from that. Run the date with a commit first"
        )
    return Release(code_version(), PROJECT)


def refuse_unproven(instance: Instance, release: Release) -> None:
    """Refuse a release that has not been published on the instance that goes first.

    Raises:
        NotProvenOnQA: with what to do there.
    """
    if instance.ledger_before is None:
        return
    if not deploys.has_published(Ledger(instance.ledger_before), release.commit):
        raise NotProvenOnQA(
            f"{release.commit} has not been published on {instance.after}, which goes first. "
            f"There: SCV_INSTANCE={instance.after} scv redeploy {release.commit}"
        )


def refuse_unsent(instance: Instance, ledger: Ledger, build_id: str) -> None:
    """Refuse a release while campaigns of the day are not known to be out.

    Raises:
        NotAllSent: with each such campaign.
    """
    margin = dt.timedelta(minutes=instance.sent_margin_minutes)
    reasons = not_settled(instance, ledger, build_id, margin, clock.now(instance))
    if reasons:
        raise NotAllSent(
            f"Not all campaigns of {build_id[:10]} are known to be out: {' '.join(reasons)} "
            "A release begins when they are: a channel says so in its receipt__DATE.json. What was "
            "not handed over and will not go out: scv cancel CAMPAIGN DATE"
        )
