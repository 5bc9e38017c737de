"""`scv status`: what is live, what is running, what became of the last night, by the ledger."""

from __future__ import annotations

import datetime as dt
import os

import sqlalchemy as sa

from flows import console, slots
from flows.builds import live
from flows.errors import SettingsWrong
from flows.ledger import Ledger, nights, publications
from flows.releases import deploys
from flows.settings import Instance, read_instance
from flows.summary import DaySummary, latest_day, read_day


def show_status(day: dt.date | None) -> None:
    """Print the state of the instance, and what to do next.

    Raises:
        SettingsWrong: when nothing has run on the date asked for.
    """
    instance = read_instance()
    ledger = Ledger(instance.ledger_url)
    day = day or latest_day(ledger)
    if day is None:
        console.say("Nothing has run yet. Start with: make run")
        return
    summary = read_day(ledger, day)
    if summary.night is None:
        raise SettingsWrong(f"Nothing has run for {day}. To run it: scv run {day}")
    console.say(f"{instance.instance}: live is {live.current(instance) or 'nothing yet'}")
    _say_rolled_back(ledger)
    _say_running(ledger)
    console.show_day(instance, summary)
    console.say(_what_next(instance, summary))
    _say_release(instance, ledger)
    if instance.page_of(day).is_file():
        console.say(f"The checks of the night: {instance.page_of(day)}")


def _say_running(ledger: Ledger) -> None:
    for row in ledger.rows(sa.select(nights).where(nights.c.state == "running")):
        if _alive(row["pid"]):
            said = f"Running now: {row['business_date']}, {row['step']} (process {row['pid']})."
        else:
            said = (
                f"The night of {row['business_date']} was cut off while {row['step']}. "
                f"Run it again: scv run {row['business_date']}"
            )
        console.say(said, style="yellow")


def _say_rolled_back(ledger: Ledger) -> None:
    last = ledger.row(sa.select(publications).order_by(publications.c.id.desc()))
    if last is not None and last["kind"] == "roll back":
        console.say(f"Live was rolled back from {last['replaced_build_id']}.", style="yellow")


def _say_release(instance: Instance, ledger: Ledger) -> None:
    row = deploys.latest(ledger)
    if row is None or row["state"] not in (*deploys.UNDONE, "running"):
        return
    said = f"A release is {row['state']}: {deploys.what_next(row)}"
    if row["state"] == "running":
        step = deploys.running_step(ledger, row["id"])
        busy = slots.who_holds(instance, ledger)
        again = f"A release was killed{step}. Take it up again: scv redeploy {row['release']}"
        said = f"A release is running{step}: {row['release']}, {busy}." if busy else again
    console.say(said, style="yellow")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _what_next(instance: Instance, summary: DaySummary) -> str:
    night = summary.night
    if night is not None and night["state"] == "running":
        done = "Look again when it is done" if _alive(night["pid"]) else "Run the date again"
        return f"{done}; live is whole meanwhile."
    if night is not None and night["state"] in ("stopped", "killed"):
        return f"The night {night['state']}: {night['sentence']}"
    if any(line.verdict == "held" for line in summary.campaigns):
        return "Some campaigns are held: each says above what it waits for."
    now_live = live.current(instance)
    if now_live and now_live[:10] < summary.business_date.isoformat():
        after = dt.date.fromisoformat(now_live[:10]) + dt.timedelta(days=1)
        return f"Live is of {now_live[:10]}, before the last night. Next: scv run {after}"
    following = summary.business_date + dt.timedelta(days=1)
    return f"All is done. Campaign files: {instance.outbox}. Next: scv run {following}"
