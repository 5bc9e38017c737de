"""Gamma-Gamma: what an order of a customer is worth, learned from its own and everybody's.

P. Fader, B. Hardie: The Gamma-Gamma Model of Monetary Value (2013, brucehardie.com/notes/025).
The values of a customer's orders vary by Gamma(p, nu) around its own mean, and nu over customers
by Gamma(q, gamma). Of a customer the model needs the number of its orders and their mean value,
in the client's currency, above zero. How often somebody buys and how much must not hang together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flows.predictions.maximum import Floats, Maximum, maximise

NAME = "Gamma-Gamma"
PARAMETERS = ("p", "q", "gamma")


@dataclass(frozen=True)
class Values:
    """Customers grouped by number and mean value of their orders, and how many each group has."""

    orders: Floats
    mean: Floats
    weights: Floats


@dataclass(frozen=True)
class GammaGamma:
    """A fitted model."""

    p: float
    q: float
    gamma: float

    def expected_value(self, orders: Floats, mean: Floats) -> Floats:
        """Return the expected value of an order, by a customer's orders and their mean value.

        Whose orders came to nothing or less counts as if they had come to nothing.
        """
        spent = self.gamma + orders * np.maximum(mean, 0)
        expected: Floats = self.p * spent / (self.p * orders + self.q - 1)
        return expected


def log_likelihood(parameters: Floats, history: Values) -> tuple[float, Floats]:
    """Return the log-likelihood of a history, and its derivatives by p, q and gamma."""
    from scipy.special import digamma, gammaln

    p, q, gamma = parameters
    n, mean, weights = history.orders, history.mean, history.weights
    shape, spent = p * n + q, gamma + n * mean
    each = gammaln(shape) - gammaln(p * n) - gammaln(q) + q * np.log(gamma)
    each = each + (p * n - 1) * np.log(mean) + p * n * np.log(n) - shape * np.log(spent)
    by_p = n * (digamma(shape) - digamma(p * n) + np.log(n * mean) - np.log(spent))
    by_q = digamma(shape) - digamma(q) + np.log(gamma) - np.log(spent)
    by_gamma = q / gamma - shape / spent
    slope = np.array([np.dot(weights, by) for by in (by_p, by_q, by_gamma)])
    return float(np.dot(weights, each)), slope


def fit(history: Values) -> tuple[GammaGamma, Maximum]:
    """Return the model under which a history is most likely.

    Raises:
        FitFailed: when there is no such model.
    """
    usual = float(np.average(history.mean, weights=history.weights))
    starts = [(2.0, 3.0, usual), (6.0, 4.0, usual / 2), (1.0, 10.0, usual * 5)]
    found = maximise(
        lambda parameters: log_likelihood(parameters, history),
        starts,
        float(history.weights.sum()),
        NAME,
    )
    return GammaGamma(*found.parameters), found
