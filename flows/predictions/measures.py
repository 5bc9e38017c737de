"""How good a prediction was: error, ranking, calibration. Arrays have one entry a customer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flows.predictions.maximum import Floats

GROUPS = 10


@dataclass(frozen=True)
class Measures:
    """One prediction of one number, held against what came.

    Errors are in the unit of the number: orders, or money. `bias` is predicted less real, so above
    zero is too much. Ranking is null for a prediction that is the same for everybody.
    """

    target: str
    method: str
    mae: float
    rmse: float
    bias: float
    spearman: float | None
    top_decile: float | None
    gini: float | None


@dataclass(frozen=True)
class Decile:
    """A tenth of the customers, by what was predicted of them: both means."""

    predicted: float
    real: float


def measure(target: str, method: str, predicted: Floats, real: Floats) -> Measures:
    """Return error and ranking of one prediction."""
    off = predicted - real
    ranks = np.ptp(predicted) > 0 and np.ptp(real) > 0
    return Measures(
        target,
        method,
        mae=float(np.abs(off).mean()),
        rmse=float(np.sqrt((off**2).mean())),
        bias=float(off.mean()),
        spearman=_spearman(predicted, real) if ranks else None,
        top_decile=_top_decile(predicted, real) if ranks else None,
        gini=_gini(predicted, real) / _gini(real, real) if ranks else None,
    )


def calibrate(predicted: Floats, real: Floats) -> list[Decile]:
    """Return ten groups of equal size by prediction, lowest first, with both means."""
    order = np.argsort(predicted, kind="stable")
    return [
        Decile(float(predicted[group].mean()), float(real[group].mean()))
        for group in np.array_split(order, GROUPS)
    ]


def _spearman(predicted: Floats, real: Floats) -> float:
    from scipy.stats import rankdata

    return float(np.corrcoef(rankdata(predicted), rankdata(real))[0, 1])


def _best_first(predicted: Floats, real: Floats) -> Floats:
    """Return what came, the highest prediction first; equal predictions share their mean."""
    _, place = np.unique(-predicted, return_inverse=True)
    means = np.bincount(place, weights=real) / np.bincount(place)
    best: Floats = means[np.sort(place)]
    return best


def _top_decile(predicted: Floats, real: Floats) -> float:
    """Return the share of what came that is in the tenth with the highest predictions."""
    tenth = max(1, len(real) // GROUPS)
    return float(_best_first(predicted, real)[:tenth].sum() / real.sum())


def _gini(predicted: Floats, real: Floats) -> float:
    """Return twice the area between the curve of what is caught and a draw by lot."""
    caught = np.cumsum(_best_first(predicted, real)) / real.sum()
    return float(2 * caught.mean() - 1 - 1 / len(real))
