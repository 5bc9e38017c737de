"""The last months held out: predicted from those before, and held against what came.

The models are fitted on what had come until the cut, and know nothing of the time after it. Two
naive predictions stand beside them: each customer does as in the last period, and everybody does
as the mean of all.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from flows.errors import TooLittleHistory
from flows.predictions.history import FEWEST_WEEKS, read_history
from flows.predictions.maximum import Floats
from flows.predictions.measures import Decile, Measures, calibrate, measure
from flows.predictions.parameters import Fit, fit

if TYPE_CHECKING:
    import duckdb

LONGEST_DAYS = 182
MOST_CUSTOMERS = 200_000

# One row per buyer of the time before the cut, or of a sample of them by id.
CUSTOMERS = """
    select
        buyers.order_days - 1 as repeats,
        buyers.recency_days / 7 as recency,
        buyers.age_days / 7 as age,
        buyers.order_days,
        buyers.mean_value,
        count(*) filter (days.is_order and days.business_date > date '{cut}') as real_orders,
        coalesce(sum(days.net_amount) filter (days.business_date > date '{cut}'), 0)::double
            as real_value,
        count(*) filter (days.is_order and days.business_date <= date '{cut}') as last_orders,
        coalesce(sum(days.net_amount) filter (days.business_date <= date '{cut}'), 0)::double
            as last_value
    from buyers
    left join days
        on days.customer_id = buyers.customer_id
        and days.business_date > date '{since}' and days.business_date <= date '{until}'
    where hash(buyers.customer_id) % 1000000 < {sample}
    group by buyers.customer_id, repeats, recency, age, order_days, mean_value
    order by buyers.customer_id
"""

# Repeat orders of everybody who had bought until the cut, by day.
BY_DAY = """
    select business_date, count(*) filter (business_date > first_date)
    from days
    inner join buyers using (customer_id)
    where business_date <= date '{until}' and is_order
    group by business_date order by business_date
"""
FIRST_DATES = "select first_date, count(*) from buyers group by first_date order by first_date"


@dataclass(frozen=True)
class Tracked:
    """The repeat orders of all customers together, from the first day to this one."""

    day: dt.date
    real: float
    expected: float


@dataclass(frozen=True)
class HoldOut:
    """What was predicted for the days held out, and what came."""

    fit: Fit
    cut: dt.date
    until: dt.date
    customers: int
    measures: list[Measures]
    calibration: dict[str, list[Decile]]
    tracking: list[Tracked]


def hold_out(
    connection: duckdb.DuckDBPyConnection, first: dt.date, until: dt.date, days: int | None
) -> HoldOut:
    """Fit on the days before the last ones, predict those, and compare.

    Args:
        connection: a build, open to read.
        first: its first trading day.
        until: the last of the days held out.
        days: how many; else half of the history, 182 at most.

    Raises:
        FitFailed: when no parameters fit, or the history is too short.
    """
    days = days or min(LONGEST_DAYS, ((until - first).days + 1) // 2)
    cut = until - dt.timedelta(days=days)
    if days < 7 or (cut - first).days < 7 * FEWEST_WEEKS:
        raise TooLittleHistory(
            f"From {first} to {until} there is too little to hold {days} days out: at least 7, and "
            f"{FEWEST_WEEKS} weeks before them."
        )
    history = read_history(connection, cut)
    found = fit(history)
    told = _customers(connection, first, cut, until, history.customers)
    predicted = _predict(found, told, days)
    scale = days / min(days, (cut - first).days + 1)
    return HoldOut(
        found,
        cut,
        until,
        len(told["repeats"]),
        [
            each
            for target in ("orders", "value")
            for each in _compare(target, told, predicted, scale)
        ],
        {
            "orders": calibrate(predicted["orders"], told["real_orders"]),
            "value": calibrate(predicted["value"], told["real_value"]),
            "bought": calibrate(predicted["bought"], (told["real_orders"] > 0).astype(np.float64)),
        },
        _track(connection, found, until),
    )


def _customers(
    connection: duckdb.DuckDBPyConnection,
    first: dt.date,
    cut: dt.date,
    until: dt.date,
    customers: int,
) -> dict[str, Floats]:
    since = max(cut - (until - cut), first - dt.timedelta(days=1))
    sample = min(1.0, MOST_CUSTOMERS / customers) * 1_000_000
    query = CUSTOMERS.format(cut=cut, since=since, until=until, sample=round(sample))
    columns = connection.execute(query).fetchnumpy()
    return {name: np.asarray(column, dtype=np.float64) for name, column in columns.items()}


def _predict(found: Fit, told: dict[str, Floats], days: int) -> dict[str, Floats]:
    repeats, recency, age = told["repeats"], told["recency"], told["age"]
    orders = found.orders.orders(repeats, recency, age, days / 7)
    alive = found.orders.p_alive(repeats, recency, age)
    return {
        "orders": orders,
        "value": orders * found.values.expected_value(told["order_days"], told["mean_value"]),
        "bought": alive * found.orders.p_order_if_alive(repeats, age, days / 7),
    }


def _compare(
    target: str, told: dict[str, Floats], predicted: dict[str, Floats], scale: float
) -> list[Measures]:
    real, last = told[f"real_{target}"], told[f"last_{target}"] * scale
    return [
        measure(target, "model", predicted[target], real),
        measure(target, "last period", last, real),
        measure(target, "mean", np.full_like(real, last.mean()), real),
    ]


def _track(connection: duckdb.DuckDBPyConnection, found: Fit, until: dt.date) -> list[Tracked]:
    """Return real and expected repeat orders by the end of each week."""
    starts = connection.execute(FIRST_DATES).fetchall()
    by_day = connection.execute(BY_DAY.format(until=until)).fetchall()
    first, total, tracked = starts[0][0], 0.0, []
    ends = [first + dt.timedelta(days=7 * week) for week in range(1, (until - first).days // 7 + 1)]
    ages = np.array([[max((end - start).days, 0) / 7 for start, _ in starts] for end in ends])
    new = np.array([count for _, count in starts], dtype=np.float64)
    expected = found.orders.orders_of_a_new_customer(ages) @ new
    repeats = dict(by_day)
    for week, end in enumerate(ends):
        total += sum(repeats.get(end - dt.timedelta(days=back), 0) for back in range(7))
        tracked.append(Tracked(end, total, float(expected[week])))
    return tracked
