"""Recomputes the predictive attributes with scipy, from a recomputed view and the seeds.

By the formulas of the papers as they are printed, hypergeometric function included; nothing of the
project's SQL or of `flows/predictions` is used. Values are floats, to be compared with a tolerance;
ranks follow from the values as the view rounds them, so that equal cents are equal.
"""

from __future__ import annotations

import csv
import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from math import ceil, exp
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import hyp2f1

SEEDS = Path(__file__).parent.parent / "seeds"
LIVE = ("new", "active", "reactivated", "at_risk")
CLOSE = (
    *("pred_orders_365d", "pred_value_365d", "p_alive", "p_churn_60d", "p_reactivate_60d"),
    "p_first_order_60d",
)
RANKS = ("pred_value_percentile", "pred_value_percentile_in_stage", "pred_value_tier")
EXACT = ("pred_next_order_date", "model_version")


def predict(view: pd.DataFrame, day: dt.date) -> dict[int, dict[str, Any]]:
    """Return the predictive attributes of each customer of a recomputed view, but for ranks.

    It must have `order_days`, the trading days with an order, beside its attributes.
    """
    parameters = {row["parameter"]: float(row["value"]) for row in _seed("prediction_parameters")}
    version = _seed("prediction_parameters")[0]["model_version"]
    rows = {
        customer: _buyer(row, day, parameters, version)
        if row["order_days"]
        else dict.fromkeys((*CLOSE, *EXACT))
        for customer, row in view.to_dict("index").items()
    }
    for customer, chance in _first_orders(view, day).items():
        rows[customer]["p_first_order_60d"] = chance
    return rows


def rank(values: dict[int, Decimal | None], stages: dict[int, str]) -> dict[int, dict[str, Any]]:
    """Return the ranks that follow from predicted values and stages."""
    cents = {c: _cents(value) for c, value in values.items() if value is not None}
    tiers = sorted((int(row["top_percent"]), row["tier"]) for row in _seed("value_tiers"))
    ranks: dict[int, dict[str, Any]] = {customer: dict.fromkeys(RANKS) for customer in values}
    everybody = _percentiles(cents)
    for customer, percentile in everybody.items():
        tier = next(name for top, name in tiers if percentile > 100 - top)
        ranks[customer] |= {RANKS[0]: percentile, RANKS[2]: tier}
    for stage in set(stages.values()):
        alike = {c: value for c, value in cents.items() if stages[c] == stage}
        for customer, percentile in _percentiles(alike).items():
            ranks[customer][RANKS[1]] = percentile
    return ranks


def _buyer(row: dict[str, Any], day: dt.date, of: dict[str, float], version: str) -> dict[str, Any]:
    limits = {each["name"]: int(each["value"]) for each in _seed("thresholds")}
    x, silent = row["order_days"] - 1, (day - row["last_order_date"]).days
    t_x = (row["last_order_date"] - row["first_order_date"]).days / 7
    age = (day - row["first_order_date"]).days / 7
    r, alpha, a, b = (of[name] for name in ("r", "alpha", "a", "b"))
    dead = a / (b + x - 1) * ((alpha + age) / (alpha + t_x)) ** (r + x) if x else 0.0
    alive, stage = 1 / (1 + dead), row["lifecycle_stage"]
    orders = _orders(of, x, age, 365 / 7) * alive
    spent = max(float(row["net_sales_lifetime"]), 0)
    worth = of["p"] * (of["gamma"] + spent) / (of["p"] * (x + 1) + of["q"] - 1)
    first = (day - row["first_order_date"]).days
    left = max(limits["at_risk_days"] + 1 - silent, limits["new_customer_days"] + 1 - first)

    def some(days: int) -> float:
        return alive * (1 - ((alpha + age) / (alpha + age + days / 7)) ** (r + x))

    gap = row["avg_days_between_orders"]
    return {
        "pred_orders_365d": orders,
        "pred_value_365d": orders * worth,
        "p_alive": alive,
        "p_churn_60d": (0.0 if left > 60 else 1 - some(left)) if stage in LIVE else None,
        "p_reactivate_60d": some(60) if stage == "churned" else None,
        "p_first_order_60d": None,
        "pred_next_order_date": row["last_order_date"] + dt.timedelta(_whole(_hundredths(gap)))
        if gap is not None
        else None,
        "model_version": version,
    }


def _orders(of: dict[str, float], x: int, age: float, ahead: float) -> float:
    """Return equation 10 of the paper, without the chance to be alive."""
    r, alpha, a, b = (of[name] for name in ("r", "alpha", "a", "b"))
    left = ((alpha + age) / (alpha + age + ahead)) ** (r + x)
    series = hyp2f1(r + x, b + x, a + b + x - 1, ahead / (alpha + age + ahead))
    return float((a + b + x - 1) / (a - 1) * (1 - left * series))


def _first_orders(view: pd.DataFrame, day: dt.date) -> dict[int, float | None]:
    """Return each prospect's chance of a first order within 60 days, day by day."""
    starts = sorted(int(row["from_day"]) for row in _seed("tenure_bands"))
    bands = [(start, end - 1) for start, end in zip(starts, [*starts[1:], 100_000], strict=True)]
    hazards = _hazards(view, day, bands)
    chances: dict[int, float | None] = {}
    for customer, row in view.iterrows():
        if row["lifecycle_stage"] == "prospect":
            tenure = (day - row["registration_date"]).days
            ahead = [hazards[_band(bands, tenure + n)] for n in range(1, 61)]
            known = [hazard for hazard in ahead if hazard is not None]
            chances[customer] = 1 - exp(-sum(known)) if len(known) == 60 else None
    return chances


def _hazards(view: pd.DataFrame, day: dt.date, bands: list[tuple[int, int]]) -> list[float | None]:
    fewest = next(int(r["value"]) for r in _seed("thresholds") if r["name"].startswith("first_"))
    began = min(first for first in view["first_order_date"] if first is not None)
    watched, days, orders = (np.zeros(len(bands)) for _ in range(3))
    for _, row in view[view["registration_date"] >= began].iterrows():
        first = row["first_order_date"]
        last = ((first or day) - row["registration_date"]).days
        for number, (start, end) in enumerate(bands):
            if last >= start:
                watched[number] += 1
                days[number] += min(last, end) - start + 1
                orders[number] += first is not None and last <= end
    if not days.sum():
        return [None] * len(bands)
    lent, usual = 60 * fewest, orders.sum() / days.sum()
    return [
        (orders[n] + lent * usual) / (days[n] + lent) if watched[n] >= fewest else None
        for n in range(len(bands))
    ]


def _band(bands: list[tuple[int, int]], tenure: int) -> int:
    return next(number for number, (start, end) in enumerate(bands) if start <= tenure <= end)


def _percentiles(cents: dict[int, int]) -> dict[int, int]:
    ordered = np.sort(np.array(list(cents.values())))
    return {
        customer: ceil(100 * int(np.searchsorted(ordered, value, side="right")) / len(ordered))
        for customer, value in cents.items()
    }


def _cents(value: Decimal) -> int:
    return int((value * 100).quantize(Decimal(1), ROUND_HALF_UP))


def _hundredths(gap: Any) -> Decimal:
    """Return the gap as its column has it, with two digits."""
    exact = Decimal(gap.numerator) / Decimal(gap.denominator)
    return exact.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _whole(gap: Decimal) -> int:
    return int(gap.quantize(Decimal(1), ROUND_HALF_UP))


def _seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))
