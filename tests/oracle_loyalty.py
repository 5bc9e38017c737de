"""The part of `tests.oracle` about loyalty and service: from the delivered files, not the SQL.

Points are not summed: each account is a purse into which points are put and from which they are
taken, booking by booking, those that lapse first before others.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

SEEDS = Path(__file__).parent.parent / "seeds"
NEVER = pd.Timestamp.max
Customers = Callable[[Iterable[int]], list[int]]


@dataclass
class Purse:
    """The points of one account by the day they lapse on, and what moved in a year."""

    lots: dict[pd.Timestamp, int] = field(default_factory=dict)
    earned: int = 0
    redeemed: int = 0

    def book(self, points: int, lapse: pd.Timestamp) -> None:
        """Put points in, or take them from what lapses first."""
        if points > 0:
            self.lots[lapse] = self.lots.get(lapse, 0) + points
        for day in sorted(self.lots) if points < 0 else ():
            taken = max(min(-points, self.lots[day]), 0)
            self.lots[day] -= taken
            points += taken


def with_loyalty(
    view: pd.DataFrame, at: pd.Timestamp, deliveries: Path, customers: Customers
) -> pd.DataFrame:
    """Return the view with the members' tiers and points; `net_sales_365d` is in it already."""
    accounts = _in_force("loyalty_accounts", "loyalty_id", at, deliveries)
    accounts["customer_id"] = customers(accounts["household_id"])
    tiers = pd.read_csv(SEEDS / "loyalty_tiers.csv").set_index("tier")
    accounts["rank"] = accounts["tier"].map(tiers["tier_rank"])
    purses, net = _purses(at, deliveries), view["net_sales_365d"].to_dict()
    asked = tiers.set_index("tier_rank")["least_net_sales"].to_dict()
    held: dict[int, list[dict[str, Any]]] = {}
    for account in accounts.to_dict("records"):
        held.setdefault(account["customer_id"], []).append(account)
    told = {
        customer: _of_customer(group, purses, at) | _next_tier(group, asked, net.get(customer))
        for customer, group in held.items()
    }
    found = pd.DataFrame.from_dict(told, orient="index").reindex(view.index)
    nothing = {"is_loyalty_member": False, "loyalty_tier": "none", "loyalty_tier_rank": 0}
    points = ["points_balance", "points_expiring_30d", "points_earned_365d", "points_redeemed_365d"]
    nothing |= dict.fromkeys(points, 0)
    filled = {c: found[c].where(found[c].notna(), zero) for c, zero in nothing.items()}
    whole = {c: filled[c].astype("int64") for c in [*points, "loyalty_tier_rank"]}
    whole["days_to_tier_expiry"] = found["days_to_tier_expiry"].astype("Int64")
    return view.join(found.assign(**(filled | whole)).astype({"is_loyalty_member": bool}))


def with_cases(
    view: pd.DataFrame, at: pd.Timestamp, deliveries: Path, customers: Customers
) -> pd.DataFrame:
    """Return the view with the number of service cases."""
    cases = _in_force("service_cases", "case_id", at, deliveries)
    cases["customer_id"] = customers(cases["household_id"])
    opened = pd.to_datetime(cases["opened_at"]).dt.normalize()
    kinds = {
        "cases_open": cases[cases["closed_at"].isna()],
        "cases_90d": cases[opened > at - pd.Timedelta(days=90)],
    }
    counts = {name: rows.groupby("customer_id").size() for name, rows in kinds.items()}
    return view.assign(**{n: c.reindex(view.index, fill_value=0) for n, c in counts.items()})


def _in_force(table: str, key: str, at: pd.Timestamp, deliveries: Path) -> pd.DataFrame:
    """Return of each key the newest version that the CRM had recorded by the date."""
    with sqlite3.connect(deliveries / "crm.sqlite") as crm:
        log = pd.read_sql(f"select * from {table} order by updated_at", crm)
    known = log[pd.to_datetime(log["updated_at"]).dt.normalize() <= at]
    return known.drop_duplicates(key, keep="last").reset_index(drop=True)


def _purses(at: pd.Timestamp, deliveries: Path) -> dict[int, Purse]:
    """Return each account's purse after all bookings up to the date."""
    folders = [f for f in sorted(deliveries.glob("20??-??-??")) if f.name <= at.date().isoformat()]
    rows = pd.concat([pd.read_csv(f / "loyalty_ledger.csv") for f in folders])
    rows["day"] = pd.to_datetime(rows["event_at"], utc=True).dt.tz_localize(None).dt.normalize()
    rows["lapse"] = pd.to_datetime(rows["expires_on"]).fillna(NEVER)
    recent = rows["day"] > at - pd.Timedelta(days=365)
    purses: dict[int, Purse] = {}
    ordered = rows.assign(recent=recent).sort_values(["event_at", "ledger_id"])
    columns = ["loyalty_id", "type", "points", "lapse", "recent"]
    for account, kind, points, lapse, counts in ordered[columns].itertuples(index=False):
        purse = purses.setdefault(account, Purse())
        purse.book(points, lapse)
        purse.earned += points if counts and points > 0 else 0
        purse.redeemed -= points if counts and kind == "redeem" else 0
    return purses


def _of_customer(
    accounts: list[dict[str, Any]], purses: dict[int, Purse], at: pd.Timestamp
) -> dict[str, object]:
    """Return what the view says of a customer with these accounts."""
    ours = {account["loyalty_id"]: account["status"] == "open" for account in accounts}
    every = [purses.get(i, Purse()) for i in ours]
    lots = [lot for i, is_open in ours.items() if is_open for lot in _lots(purses, i)]
    soon = at + pd.Timedelta(days=30)
    best = _best(accounts)
    expiry = max((account["tier_expiry"] for account in best), default=None)
    return {
        "is_loyalty_member": any(ours.values()),
        "loyalty_enrol_date": pd.Timestamp(min(a["enrolled_at"] for a in accounts)).normalize(),
        "loyalty_tier": best[0]["tier"] if best else None,
        "loyalty_tier_rank": best[0]["rank"] if best else None,
        "days_to_tier_expiry": None if expiry is None else (pd.Timestamp(expiry) - at).days,
        "points_balance": sum(points for _, points in lots),
        "points_expiring_30d": sum(points for lapse, points in lots if at < lapse <= soon),
        "points_earned_365d": sum(purse.earned for purse in every),
        "points_redeemed_365d": sum(purse.redeemed for purse in every),
    }


def _lots(purses: dict[int, Purse], account: int) -> list[tuple[pd.Timestamp, int]]:
    return list(purses[account].lots.items()) if account in purses else []


def _best(accounts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the open accounts in the highest tier."""
    still_open = [account for account in accounts if account["status"] == "open"]
    highest = max((account["rank"] for account in still_open), default=0)
    return [account for account in still_open if account["rank"] == highest]


def _next_tier(
    accounts: list[dict[str, Any]], asked: dict[int, int], net_sales: Decimal | None
) -> dict[str, object]:
    """Return what is still to be spent for the next tier."""
    best = _best(accounts)
    least = asked.get(best[0]["rank"] + 1) if best else None
    if least is None or net_sales is None:
        return {"spend_to_next_tier": None}
    return {"spend_to_next_tier": max(Decimal(int(least)) - net_sales, Decimal(0))}
