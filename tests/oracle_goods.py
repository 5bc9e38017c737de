"""The part of `tests.oracle` about prices and what is bought again: from the raw lines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from math import ceil
from pathlib import Path
from statistics import median

import pandas as pd

SEEDS = Path(__file__).parent.parent / "seeds"
COLUMNS = ("customer_id", "product_id", "day")
Rounded = Callable[[Fraction, int], Fraction]


def with_price_tiers(view: pd.DataFrame, half_up: Rounded) -> pd.DataFrame:
    """Return the view with the third of its category in which each customer's price lies."""
    priced = view[view["avg_item_price_365d"].notna() & view["top_category_365d"].notna()]
    prices = priced["avg_item_price_365d"].map(lambda price: half_up(price, 4))
    tiers = pd.Series(None, index=view.index, dtype=object)
    for _, group in prices.groupby(priced["top_category_365d"]):
        ordered = sorted(group)
        low, mid = (ordered[ceil(len(ordered) * third / 3) - 1] for third in (1, 2))
        for customer, price in group.items():
            tiers[customer] = "low" if price <= low else "mid" if price <= mid else "high"
    return view.assign(price_tier=tiers)


def with_replenishment(view: pd.DataFrame, lines: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    """Return the view with the day on which the product bought most often is due again."""
    categories = set(pd.read_csv(SEEDS / "replenishable_categories.csv")["category"])
    seed = pd.read_csv(SEEDS / "thresholds.csv").set_index("name")
    least = int(seed.at["minimum_days_for_replenishment", "value"])
    wanted = lines[
        (lines["day"] > at - pd.Timedelta(days=365))
        & lines["product_category"].isin(categories)
        & (lines["units"] > 0)
    ]
    days: dict[tuple[int, int], set[pd.Timestamp]] = {}
    for customer, product, day in zip(*(wanted[c] for c in COLUMNS), strict=True):
        days.setdefault((customer, product), set()).add(day)
    best: dict[int, tuple[tuple[int, int, int], list[pd.Timestamp]]] = {}
    for (customer, product), each in days.items():
        bought = sorted(each)
        merit = (len(bought), bought[-1].toordinal(), -product)
        if len(bought) >= least and merit > best.get(customer, ((0, 0, 0), []))[0]:
            best[customer] = merit, bought
    due = {customer: _due(bought) for customer, (_, bought) in best.items()}
    dates = pd.Series(due, dtype=object).reindex(view.index)
    return view.assign(replenishment_due_date=pd.to_datetime(dates))


def _due(bought: list[pd.Timestamp]) -> pd.Timestamp:
    """Return the last day plus the middle gap between days, half a day rounded up."""
    gaps = [(later - earlier).days for earlier, later in pairwise(bought)]
    return bought[-1] + timedelta(days=ceil(median(gaps)))
