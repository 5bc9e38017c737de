"""The part of `tests.oracle` about returns and two years: from the delivered files, not the SQL.

A refund counts on the day on which it was booked, whenever the goods were bought. Money is whole
cents until it is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pandas as pd

SEEDS = Path(__file__).parent.parent / "seeds"
WINDOWS = (7, 30, 90, 365)
EVER = 100_000  # days
Customers = Callable[[Iterable[int]], list[int]]


def with_refunds(
    view: pd.DataFrame,
    lines: pd.DataFrame,
    at: pd.Timestamp,
    deliveries: Path,
    customers: Customers,
) -> pd.DataFrame:
    """Return the view with its net values less refunds, and with all that is told of returns.

    Until here net is gross. `lines` are those sold up to the date, with cents in `net`.
    """
    back = _returned(deliveries, at, customers)
    refunds, units = _by_window(back, "refund", view, at), _by_window(back, "quantity", view, at)
    gross = _by_window(lines, "net", view, at)
    net = {window: gross[window] - refunds[window] for window in gross}
    changed = {
        **{f"net_sales_{w}d": _money(net[w, 0]) for w in WINDOWS},
        "net_sales_lifetime": _money(net[EVER, 0]),
        "net_sales_prev_365d": _money(net[730, 365]),
        "net_sales_yoy_ratio": _ratio(net[365, 0], net[730, 365]),
        "items_lifetime": view["items_lifetime"] - units[EVER, 0],
        "last_order_net": _last_orders(lines, back).reindex(view.index),
        "returns_count_365d": units[365, 0],
        "return_rate_365d": _ratio(refunds[365, 0].clip(upper=gross[365, 0]), gross[365, 0]),
        "orders_730d": _orders(lines, at).reindex(view.index, fill_value=0),
        "is_employee_or_reseller": view["is_employee_or_reseller"]
        | (gross[365, 0] > _most_a_household_buys() * 100),
    }
    return view.assign(**changed)


def _returned(deliveries: Path, at: pd.Timestamp, customers: Customers) -> pd.DataFrame:
    """Return every return delivered up to the date, with its customer and its cents."""
    folders = [f for f in sorted(deliveries.glob("20??-??-??")) if f.name <= at.date().isoformat()]
    rows = pd.concat(
        [pd.read_csv(f / "returns.csv", dtype={"refund_amount": str}) for f in folders]
    )
    return rows.assign(
        customer_id=customers(rows["household_id"]),
        day=pd.to_datetime(rows["returned_on"]),
        refund=[int(Decimal(amount) * 100) for amount in rows["refund_amount"]],
    )


def _by_window(
    rows: pd.DataFrame, column: str, view: pd.DataFrame, at: pd.Timestamp
) -> dict[tuple[int, int], pd.Series]:
    """Return the sums of a column in (A-first, A-last], for each pair of days, zero for none."""
    sums = {}
    for first, last in [(EVER, 0), *((w, 0) for w in WINDOWS), (730, 365)]:
        age = (at - rows["day"]).dt.days
        found = rows[(age < first) & (age >= last)].groupby("customer_id")[column].sum()
        sums[first, last] = found.reindex(view.index, fill_value=0)
    return sums


def _last_orders(lines: pd.DataFrame, back: pd.DataFrame) -> pd.Series:
    """Return what is left of each customer's latest order."""
    refunds = back.groupby("basket_id")["refund"].sum()
    orders = lines.groupby(["customer_id", "order_id"]).agg(
        sold_at=("sold_at", "first"), net=("net", "sum")
    )
    ordered = orders.reset_index().sort_values(["sold_at", "order_id"])
    latest = ordered.drop_duplicates("customer_id", keep="last").set_index("customer_id")
    left = latest["net"] - latest["order_id"].map(refunds).fillna(0).astype("int64")
    return _money(left)


def _orders(lines: pd.DataFrame, at: pd.Timestamp) -> pd.Series:
    """Return the number of orders in two years."""
    recent = lines[lines["day"] > at - pd.Timedelta(days=730)]
    return recent.groupby("customer_id")["order_id"].nunique()


def _most_a_household_buys() -> int:
    seed = pd.read_csv(SEEDS / "thresholds.csv").set_index("name")
    return int(seed.at["reseller_gross_sales_amount", "value"])


def _money(cents: pd.Series) -> pd.Series:
    """Return cents as exact dollars."""
    return pd.Series([Decimal(int(c)) / 100 for c in cents], index=cents.index, dtype=object)


def _ratio(above: pd.Series, below: pd.Series) -> pd.Series:
    """Return exact fractions, null where the divisor is not positive."""
    pairs = zip(above, below, strict=True)
    ratios = [Fraction(int(a), int(b)) if b > 0 else None for a, b in pairs]
    return pd.Series(ratios, index=above.index, dtype=object)
