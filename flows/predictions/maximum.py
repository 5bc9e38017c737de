"""The parameters under which a history is most likely: one search for every model.

The search runs over the logarithms of the parameters, which are all positive, from several starts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from flows.errors import FitFailed

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

Floats = NDArray[np.float64]
# Parameters → log-likelihood of the whole history, and its derivative by each parameter.
LogLikelihood = Callable[[Floats], tuple[float, Floats]]

# A parameter beyond these says that the history does not have what the model looks for.
LEAST, MOST = 1e-3, 1e5
# The slope of the mean log-likelihood at the top, by the logarithm of any parameter.
FLAT = 1e-5


@dataclass(frozen=True)
class Maximum:
    """Where the log-likelihood is highest, and how high it is."""

    parameters: tuple[float, ...]
    log_likelihood: float


def maximise(
    likelihood: LogLikelihood, starts: Sequence[Sequence[float]], customers: float, model: str
) -> Maximum:
    """Return the maximum of a log-likelihood.

    Args:
        likelihood: of positive parameters.
        starts: parameters from which to search, one search each.
        customers: how many the history is of; the slope is looked at per customer.
        model: its name, for the message.

    Raises:
        FitFailed: when no search ends at a maximum within the bounds.
    """
    searches = [_search(likelihood, np.log(np.array(start)), customers) for start in starts]
    best = min(searches, key=lambda found: float(found.fun))
    logs = np.asarray(best.x, dtype=np.float64)
    if not np.isfinite(best.fun) or np.max(np.abs(best.jac)) > FLAT or _at_a_bound(logs):
        said = ", ".join(f"{value:.6g}" for value in np.exp(logs))
        raise FitFailed(
            f"{model} could not be fitted: the search ended at {said}, which is no maximum. Either "
            "the history is too short, or customers do not buy as the model assumes; keep the "
            "parameters in seeds/prediction_parameters.csv, or fit again --until another date."
        )
    return Maximum(tuple(float(value) for value in np.exp(logs)), -float(best.fun) * customers)


def _search(likelihood: LogLikelihood, start: Floats, customers: float) -> OptimizeResult:
    # scipy takes half a second to import.
    from scipy.optimize import minimize

    def climb(logs: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logs)
        value, slope = likelihood(parameters)
        return -value / customers, -slope * parameters / customers

    bounds = [(np.log(LEAST), np.log(MOST))] * len(start)
    options = {"maxiter": 2000, "ftol": 1e-15, "gtol": 1e-9}
    return minimize(climb, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)


def _at_a_bound(logs: Floats) -> bool:
    edge = 1e-6
    return bool(np.any(logs < np.log(LEAST) + edge) or np.any(logs > np.log(MOST) - edge))
