"""The made-up points ledger: what each loyalty account earned, spent, and let lapse.

A dollar of a real basket is a point. Points lapse at the end of the twelfth month after they were
earned; whoever spends points spends first those that lapse first. Of 2016, which the data set does
not hold, each account has one sum a month.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import duckdb

from demo.draw import day, moment, share, whole
from demo.loyalty import Account, end_of_month
from demo.people import YEAR_END, YEAR_START

REWARD, REDEEMS = 500, 0.15  # points of a reward; share of the baskets that may pay for one
ADJUSTED, WRONGED = 0.03, 0.01  # shares of the accounts
MOST_POINTS_A_MONTH = 150  # in 2016
LAPSES_AT = time(23, 59, 59, tzinfo=UTC)
BASKETS = """
    select household_id, basket_id, max(transaction_timestamp) as sold_at,
        cast(floor(sum(cast(sales_value as decimal(12, 2)))) as integer) as points
    from sales group by household_id, basket_id
    having points > 0 order by household_id, sold_at, basket_id
"""


@dataclass(frozen=True)
class Entry:
    """One row of the ledger; `points` are positive for what was earned, else negative."""

    ledger_id: int
    loyalty_id: int
    event_at: datetime  # UTC
    type: str  # earn, redeem, expire, adjust
    points: int
    basket_id: int | None
    expires_on: date | None  # of earned points: the last day on which they can be spent


@dataclass(frozen=True)
class Event:
    """What happens to an account; a reward and a lapse are settled when the balance is known."""

    event_at: datetime
    type: str
    points: int = 0
    basket_id: int | None = None


@dataclass
class Purse:
    """The points of one account: `lots` by the day they lapse on, `loose` ones never do."""

    lots: dict[date, int] = field(default_factory=dict)
    loose: int = 0

    @property
    def balance(self) -> int:
        """All points that can be spent."""
        return sum(self.lots.values()) + self.loose

    def spend(self, points: int) -> None:
        """Take points, those that lapse first before others."""
        for lapse in sorted(self.lots):
            taken = min(points, self.lots[lapse])
            self.lots[lapse] -= taken
            points -= taken
        self.loose -= points


def ledger(source: duckdb.DuckDBPyConnection, change_log: Iterable[Account]) -> list[Entry]:
    """Return all entries up to the end of 2017, ordered by time and number."""
    baskets: dict[int, list[Event]] = {}
    for household_id, basket_id, sold_at, points in source.execute(BASKETS).fetchall():
        sold = Event(sold_at.replace(tzinfo=UTC), "earn", points, basket_id)
        baskets.setdefault(household_id, []).append(sold)
    latest = {account.loyalty_id: account for account in change_log}
    found = [
        entry
        for account in latest.values()
        for entry in _of_account(account, baskets.get(account.household_id, []))
    ]
    return sorted(found, key=lambda entry: (entry.event_at, entry.ledger_id))


def _of_account(account: Account, baskets: list[Event]) -> Iterator[Entry]:
    """Yield the entries of an account, numbered in the order of their time, until it is closed."""
    purse, number = Purse(), account.loyalty_id * 10_000
    until = account.updated_at if account.status == "closed" else None
    events = [*_history(account), *_adjustments(account), *_lapses()]
    events += [sold for sold in baskets if sold.event_at >= account.enrolled_at]
    for event in sorted(events, key=lambda event: event.event_at):
        if event.event_at.date() > YEAR_END or (until is not None and event.event_at > until):
            break
        for entry in _settled(purse, event):
            number += 1
            yield Entry(number, account.loyalty_id, *entry)


def _settled(
    purse: Purse, event: Event
) -> Iterator[tuple[datetime, str, int, int | None, date | None]]:
    """Change the purse by an event, and yield what is written down of it."""
    at, on = event.event_at, event.event_at.date()
    if event.type == "earn":
        lapse = end_of_month(on, 12)
        purse.lots[lapse] = purse.lots.get(lapse, 0) + event.points
        yield at, "earn", event.points, event.basket_id, lapse
        draw = share(event.basket_id or 0, "redeems")
        if event.basket_id is not None and draw < REDEEMS and purse.balance >= REWARD:
            purse.spend(REWARD)
            yield at, "redeem", -REWARD, event.basket_id, None
    elif event.type == "expire" and purse.lots.get(on, 0) > 0:
        yield at, "expire", -purse.lots.pop(on), None, None
    elif event.type == "adjust" and event.points > 0:
        purse.loose += event.points
        yield at, "adjust", event.points, None, None
    elif event.type == "adjust" and purse.balance >= -event.points:
        purse.spend(-event.points)
        yield at, "adjust", event.points, None, None


def _history(account: Account) -> Iterator[Event]:
    """Yield the points of each month of 2016 since the account was opened, at the month's end."""
    month = end_of_month(max(account.enrolled_at.date(), date(2016, 1, 1)), 0)
    while month < YEAR_START:
        h, salt = account.household_id, f"points:{month:%Y-%m}"
        points = whole(1, MOST_POINTS_A_MONTH, h, salt)
        yield Event(moment(month, h, f"{salt}:time"), "earn", points)
        month = end_of_month(month, 1)


def _lapses() -> Iterator[Event]:
    """Yield the ends of the months of 2017, on which points of 2016 lapse."""
    for months in range(12):
        lapse = end_of_month(YEAR_START, months)
        yield Event(datetime.combine(lapse, LAPSES_AT), "expire")


def _adjustments(account: Account) -> Iterator[Event]:
    """Yield what the service desk gave or took back by hand."""
    h = account.household_id
    earliest = max(account.enrolled_at.date(), YEAR_START) + timedelta(days=1)
    for salt, of_all, points in (("adjusted", ADJUSTED, 200), ("wronged", WRONGED, -50)):
        if share(h, salt) < of_all and earliest <= YEAR_END:
            on = day(earliest, YEAR_END, h, f"{salt}:day")
            yield Event(moment(on, h, f"{salt}:time"), "adjust", points)
