"""The decided parameters: the seed `prediction_parameters`, read and written.

A fit is a decision like any other seed: it goes into git, is reviewed, and holds from the release
on. So a build stays a function of its base, its batches, its release and its date.
"""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from flows.predictions import bgnbd, gamma_gamma
from flows.predictions.bgnbd import BgNbd
from flows.predictions.gamma_gamma import GammaGamma
from flows.predictions.history import History
from flows.settings import PROJECT

SEED = PROJECT / "seeds" / "prediction_parameters.csv"
COLUMNS = (
    *("model_version", "parameter", "value", "trained_on", "customers", "log_likelihood"),
    *("decided_by", "decided_on", "reason"),
)


@dataclass(frozen=True)
class Fit:
    """Both models, fitted on one history."""

    trained_on: dt.date
    orders: BgNbd
    values: GammaGamma
    customers: int
    customers_with_value: int
    likelihoods: tuple[float, float]

    @property
    def model_version(self) -> str:
        """The model and the date of its training, as the view says it."""
        return f"bgnbd-gg-{self.trained_on}"


@dataclass(frozen=True)
class Decision:
    """Who decided that a fit shall hold, when, and why."""

    by: str
    on: dt.date
    reason: str


def fit(history: History) -> Fit:
    """Return both models under which a history is most likely.

    Raises:
        FitFailed: when there are none.
    """
    orders, of_orders = bgnbd.fit(history.purchases)
    values, of_values = gamma_gamma.fit(history.values)
    return Fit(
        history.until,
        orders,
        values,
        history.customers,
        round(float(history.values.weights.sum())),
        (of_orders.log_likelihood, of_values.log_likelihood),
    )


def write_seed(found: Fit, decision: Decision, to: Path = SEED) -> Path:
    """Write a fit as the seed, in place of the one before, and return its path.

    A parameter is written with as many digits as make it exact.
    """
    models = (
        (found.orders, bgnbd.PARAMETERS, found.customers),
        (found.values, gamma_gamma.PARAMETERS, found.customers_with_value),
    )
    decided = (decision.by, decision.on.isoformat(), decision.reason)
    arriving = to.with_name(f".{to.name}")
    with arriving.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for (model, names, customers), likelihood in zip(models, found.likelihoods, strict=True):
            told = (found.trained_on.isoformat(), customers, f"{likelihood:.4f}")
            for name in names:
                value = repr(float(getattr(model, name)))
                rows.writerow((found.model_version, name, value, *told, *decided))
    arriving.replace(to)
    return to
