"""The made-up loyalty programme: who has an account, in which tier, and until when.

A tier follows the real sales: it is raised on the day after those since the start of the year, or
since the account was opened, reach what `seeds/loyalty_tiers.csv` asks for it.
"""

import csv
from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import duckdb

from demo.draw import day, moment, share, whole
from demo.people import YEAR_END, YEAR_START, Household

TIERS = Path(__file__).resolve().parents[1] / "seeds" / "loyalty_tiers.csv"
MEMBERS, AT_ONCE, CLOSED = 0.60, 0.70, 0.03  # shares of all; of the members; of the accounts
SPENT = """
    select household_id, shop_date(transaction_timestamp) as sold_on,
        cast(sum(sales_value) as decimal(12, 2))
    from sales group by all order by all
"""
Spent = dict[int, list[tuple[date, Decimal]]]  # household → its days and their sales


@dataclass(frozen=True)
class Account:
    """One version of an account: the columns of the table `loyalty_accounts`, in its order."""

    loyalty_id: int
    household_id: int
    enrolled_at: datetime  # UTC
    tier: str
    tier_start: date
    tier_expiry: date
    status: str  # open, closed
    updated_at: datetime  # UTC


def accounts(source: duckdb.DuckDBPyConnection, change_log: Iterable[Household]) -> list[Account]:
    """Return all versions up to the end of 2017, ordered by time and account."""
    latest = {h.household_id: h for h in change_log}
    spent: Spent = {}
    for household_id, sold_on, amount in source.execute(SPENT).fetchall():
        spent.setdefault(household_id, []).append((sold_on, amount))
    found = [
        version
        for household_id, household in sorted(latest.items())
        if share(household_id, "loyalty") < MEMBERS
        for version in _of_household(household, spent.get(household_id, []))
    ]
    return sorted(found, key=lambda account: (account.updated_at, account.loyalty_id))


def end_of_month(of: date, months: int) -> date:
    """Return the last day of the month that is so many months after that of a date."""
    year, month = divmod(of.year * 12 + of.month - 1 + months, 12)
    return date(year, month + 1, monthrange(year, month + 1)[1])


def _of_household(household: Household, spent: list[tuple[date, Decimal]]) -> Iterator[Account]:
    """Yield the account as it was opened, raised and closed, as far as that happened."""
    h = household.household_id
    wait = 0 if share(h, "loyalty:at_once") < AT_ONCE else whole(1, 200, h, "loyalty:wait")
    enrolled_on = household.registered_on + timedelta(days=wait)
    if enrolled_on > YEAR_END:
        return
    closed_at = _closed_at(household, enrolled_on)
    version = _opened(h, enrolled_on)
    yield version
    for tier, reached_on in _raises(spent, enrolled_on):
        raised_on = reached_on + timedelta(days=1)
        raised_at = moment(raised_on, h, f"loyalty:{tier}")
        if raised_on > YEAR_END or (closed_at is not None and raised_at >= closed_at):
            break
        version = replace(
            version, tier=tier, tier_start=raised_on, tier_expiry=end_of_month(raised_on, 12),
            updated_at=raised_at,
        )  # fmt: skip
        yield version
    if closed_at is not None:
        yield replace(version, status="closed", updated_at=closed_at)


def _opened(h: int, enrolled_on: date) -> Account:
    """Return the first version; the tiers were brought in with the year 2017."""
    enrolled_at = moment(enrolled_on, h, "loyalty:time")
    since = max(enrolled_on, YEAR_START)
    updated_at = enrolled_at if since == enrolled_on else moment(since, h, "loyalty:time")
    lowest = _thresholds()[0][0]
    expiry = end_of_month(since, 12)
    return Account(9_000_000 + h, h, enrolled_at, lowest, since, expiry, "open", updated_at)


def _closed_at(household: Household, enrolled_on: date) -> datetime | None:
    """Return when the account was closed: with the household's record, or by itself."""
    h, earliest = household.household_id, max(enrolled_on, YEAR_START) + timedelta(days=1)
    if household.deleted_at is not None:
        return household.deleted_at if household.deleted_at.date() >= earliest else None
    if share(h, "loyalty:closed") >= CLOSED or earliest > YEAR_END:
        return None
    return moment(day(earliest, YEAR_END, h, "loyalty:closed:day"), h, "loyalty:closed:time")


def _raises(spent: list[tuple[date, Decimal]], since: date) -> Iterator[tuple[str, date]]:
    """Yield each tier above the lowest with the day on which the sales reach it.

    Where one day's sales reach two tiers, the lower of them is passed over.
    """
    total, left = Decimal(0), _thresholds()[1:]
    for sold_on, amount in spent:
        total += amount if sold_on >= since else 0
        reached = [tier for tier, least in left if total >= least]
        if reached:
            yield reached[-1], sold_on
            left = left[len(reached) :]


@cache
def _thresholds() -> list[tuple[str, int]]:
    """Return the tiers, the lowest first, with the yearly sales that each asks for."""
    with TIERS.open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: int(row["tier_rank"]))
    return [(row["tier"], int(row["least_net_sales"])) for row in rows]
