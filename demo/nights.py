"""Three nights of the demo client: what `make run` runs.

    python -m demo.nights [--site FOLDER]

The client delivers its history, then day by day; each delivery is followed by its
batch, and the channels receipt what it hands over.
"""

import sys
import time
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from demo.channel import receipt
from demo.delivery import Client
from flows import console, prefect_settings
from flows.builds import live
from flows.errors import Stopped
from flows.ledger import Ledger
from flows.settings import Instance, read_instance
from flows.site import SITE, build_site
from flows.summary import read_day

HISTORY = date(2017, 11, 18)
NIGHTS = [date(2017, 11, 19), date(2017, 11, 20), date(2017, 11, 21)]


def play(
    site: Annotated[Path, typer.Option(help="Where the docs site is written.")] = SITE,
) -> None:
    """Deliver and run the history and three nights, and say where everything is."""
    started = time.monotonic()
    prefect_settings.quiet()
    console.narrate()
    instance = read_instance()
    client = Client(instance.outbox)
    for number, day in enumerate([HISTORY, *NIGHTS], start=1):
        if _is_run(instance, day):
            console.say(f"[{number}/4] {day} has been run: kept (make clean starts over)")
            continue
        initial = day == HISTORY
        what = "the history up to" if initial else "the batch of"
        console.say(f"[{number}/4] {what} {day}")
        rows = client.deliver(day, initial, instance.deliveries)
        console.say(f"  the client delivered {sum(rows.values()):,} rows in {len(rows)} tables")
        _run(instance, day, send=not initial)
    front = build_site(site)
    console.say(_where_everything_is(instance, front, time.monotonic() - started))


def _is_run(instance: Instance, day: date) -> bool:
    now_live = live.current(instance)
    return now_live is not None and now_live[:10] >= day.isoformat()


def _run(instance: Instance, day: date, *, send: bool) -> None:
    # Prefect and Great Expectations take seconds to import: the client delivers first.
    from flows.daily import daily

    daily(day, send=send)
    receipt(instance.outbox, day)
    console.show_day(instance, read_day(Ledger(instance.ledger_url), day))


def _where_everything_is(instance: Instance, site: Path, seconds: float) -> str:
    return f"""
The batches and the docs site took {seconds:.0f} s.

  the view         {instance.live}, table marts.single_customer_view
  campaign files   {instance.outbox}
  docs site        {site}
  the customers    {site.parent / "builds" / "index.html"}, a page per build

What to try next:
  scv status                               what is live, and what became of the last night
  scv customer 101                         all of one customer, and why
  scv explain campaign win_back_email      what it reads, and why customers were left out
  scv explain column churn_factor          what a column means and is made of
  make deliver DATE=2017-11-22             the client delivers the next night; but one table
    rm deliveries/2017-11-22/coupon_redemptions.jsonl       does not come
    scv run 2017-11-22                     held is what reads it, and only that
  scv rollback                             move live back, and scv run 2017-11-21 forward again
  scv dev && dbt build                     change a model in a build of your own

(`scv` and `dbt` are in .venv/bin: source .venv/bin/activate)"""


if __name__ == "__main__":
    try:
        typer.run(play)
    except Stopped as stopped:
        console.say(f"Stopped: {stopped}")
        sys.exit(stopped.exit_code)
