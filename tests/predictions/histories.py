"""Histories to fit on: the published one, and some drawn from known parameters."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import numpy as np

from flows.predictions.bgnbd import BgNbd, Purchases
from flows.predictions.gamma_gamma import GammaGamma, Values
from flows.predictions.maximum import Floats

PUBLISHED = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
PUBLISHED_VALUES = GammaGamma(p=6.25, q=3.74, gamma=15.44)


@cache
def cdnow() -> tuple[Floats, Floats, Floats, Floats]:
    """Repeats, recency and age in weeks, and mean value, of each customer of CDNOW."""
    with (Path(__file__).parent / "cdnow.csv").open() as file:
        rows = list(csv.DictReader(file))
    x, t_x, age, mean = (
        np.array([float(row[k]) for row in rows]) for k in ("x", "t_x", "T", "zbar")
    )
    return x, t_x, age, mean


def cdnow_purchases() -> Purchases:
    """All customers of CDNOW, each a row."""
    repeats, recency, age, _ = cdnow()
    return Purchases(repeats, recency, age, np.ones_like(repeats))


def cdnow_values() -> Values:
    """The customers of CDNOW who came again."""
    repeats, _, _, mean = cdnow()
    again = repeats > 0
    return Values(repeats[again], mean[again], np.ones(int(again.sum())))


def drawn_purchases(model: BgNbd, customers: int, weeks: float, seed: int) -> Purchases:
    """Customers who buy and leave as the model says, watched from their first order on."""
    lots = np.random.default_rng(seed)
    rates = lots.gamma(model.r, 1 / model.alpha, customers)
    leaving = lots.beta(model.a, model.b, customers)
    ages = lots.uniform(weeks / 2, weeks, customers)
    repeats, recency = np.zeros(customers), np.zeros(customers)
    for each in range(customers):
        at = lots.exponential(1 / rates[each]) if rates[each] else np.inf
        while at <= ages[each]:
            repeats[each], recency[each] = repeats[each] + 1, at
            if lots.random() < leaving[each]:
                break
            at += lots.exponential(1 / rates[each])
    return Purchases(repeats, recency, ages, np.ones(customers))


def drawn_values(model: GammaGamma, customers: int, seed: int) -> Values:
    """Customers whose orders are worth what the model says."""
    lots = np.random.default_rng(seed)
    orders = lots.integers(1, 12, customers).astype(np.float64)
    scale = lots.gamma(model.q, 1 / model.gamma, customers)
    mean = lots.gamma(model.p * orders, 1 / scale) / orders
    return Values(orders, mean, np.ones(customers))
