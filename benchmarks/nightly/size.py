"""How large the client is, and how much of everything it has a day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

ONE_DAY = dt.timedelta(days=1)
# The history ends where that of the demo ends: a Saturday. What is later comes night by night.
HISTORY_END = dt.date(2017, 11, 18)
LAST_NIGHT = dt.date(2017, 11, 30)
# The real year is laid out twice, 52 weeks apart, so that a Tuesday stays a Tuesday.
SHIFT_DAYS = 364
FIRST_DAY = dt.date(2015, 12, 4)

# For each customer and day; a retailer of twenty million has 154 thousand orders a day of 400
# thousand lines, 120 thousand changed records, 1,700 merges, 6,000 redeemed coupons.
ORDERS = 154_000 / 20_000_000
CHANGES = 120_000 / 20_000_000
NEWCOMERS = 4_000 / 20_000_000
CLOSINGS = 1_100 / 20_000_000
MERGES = 1_700 / 20_000_000
CONSENTS = 25_000 / 20_000_000
REDEMPTIONS = 6_000 / 20_000_000
ACCOUNT_CHANGES = 150_000 / 11_000_000  # of the members only
CASES = 4_500 / 20_000_000

# Shares of all customers, over the whole history.
CHANGED = 0.25
CLOSED = 0.03
MERGED = 0.095
MERGE_TAKEN_BACK = 0.05
MAILED = 0.75  # of the real mailings of the household that a customer is drawn from
WEEKLY_DROP = 0.02  # of all customers are mailed on a Tuesday
RETURNED = 0.07  # of all lines that may come back
MEMBERS = 0.55  # have a loyalty account
LATE = 0.005  # of all orders come one or two days late


@dataclass(frozen=True)
class Size:
    """A client with so many customers on the day its history ends."""

    customers: int

    @property
    def newcomers(self) -> int:
        """Customers who register on each night."""
        return max(1, round(self.customers * NEWCOMERS))

    @property
    def everybody(self) -> int:
        """All customers there ever are: those who register in the last night included."""
        return self.customers + self.newcomers * (LAST_NIGHT - HISTORY_END).days


def nights(count: int) -> list[dt.date]:
    """Return the business dates of so many nights, the first on the day after the history."""
    days = [HISTORY_END + ONE_DAY * number for number in range(1, count + 1)]
    if days and days[-1] > LAST_NIGHT:
        raise ValueError(f"There are {(LAST_NIGHT - HISTORY_END).days} nights, and no more.")
    return days
