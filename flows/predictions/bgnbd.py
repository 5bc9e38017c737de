"""BG/NBD: how often a customer buys while it is one, and when it stops being one.

P. Fader, B. Hardie, K. L. Lee: "Counting Your Customers" the Easy Way, Marketing Science 24 (2005).
While alive a customer buys at a steady rate of its own, drawn from Gamma(r, alpha); after each
purchase it may drop out, by a chance of its own, drawn from Beta(a, b). Time is in weeks.

Of a customer the model needs three numbers: repeats (trading days with an order after the first),
recency (weeks from the first to the last), age (weeks from the first to today).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flows.predictions.maximum import Floats, Maximum, maximise

NAME = "BG/NBD"
PARAMETERS = ("r", "alpha", "a", "b")
STARTS = ((1.0, 5.0, 1.0, 2.0), (0.3, 2.0, 0.5, 5.0), (3.0, 3.0, 0.2, 10.0), (1.0, 20.0, 2.0, 1.0))


@dataclass(frozen=True)
class Purchases:
    """Customers grouped by what the model needs of them; `weights` says how many each group has."""

    repeats: Floats
    recency: Floats
    age: Floats
    weights: Floats

    @property
    def customers(self) -> float:
        """How many customers there are."""
        return float(self.weights.sum())


@dataclass(frozen=True)
class BgNbd:
    """A fitted model. All methods take and return arrays, one entry a customer; time in weeks."""

    r: float
    alpha: float
    a: float
    b: float

    def p_alive(self, repeats: Floats, recency: Floats, age: Floats) -> Floats:
        """Return the chance of still being a customer; 1 for those who never came again."""
        odds = np.log(self.a) - np.log(self.b + np.maximum(repeats, 1) - 1)
        odds = odds + (self.r + repeats) * np.log((self.alpha + age) / (self.alpha + recency))
        dead_to_alive = np.exp(np.minimum(odds, 700))
        return np.where(repeats > 0, 1 / (1 + dead_to_alive), 1.0)

    def p_order_if_alive(self, repeats: Floats, age: Floats, weeks: float | Floats) -> Floats:
        """Return the chance of at least one order in the coming weeks, of those alive today."""
        past = self.alpha + age
        gone: Floats = 1 - (past / (past + weeks)) ** (self.r + repeats)
        return gone

    def orders_if_alive(self, repeats: Floats, age: Floats, weeks: float) -> Floats:
        """Return the orders expected in the coming weeks, of those alive today."""
        from scipy.special import hyp2f1

        z = weeks / (self.alpha + age + weeks)
        c = self.a + self.b + repeats - 1
        # Equation 10 of the paper, without the chance to be alive and by Euler's transformation.
        rest = hyp2f1(self.a + self.b - 1 - self.r, self.a - 1, c, z) * (1 - z) ** (self.a - 1)
        expected: Floats = c / (self.a - 1) * (1 - rest)
        return expected

    def orders(self, repeats: Floats, recency: Floats, age: Floats, weeks: float) -> Floats:
        """Return the orders expected in the coming weeks."""
        alive = self.p_alive(repeats, recency, age)
        return alive * self.orders_if_alive(repeats, age, weeks)

    def orders_of_a_new_customer(self, weeks: NDArray[np.float64]) -> Floats:
        """Return the repeat orders expected of anybody within weeks of the first order."""
        from scipy.special import hyp2f1

        z = weeks / (self.alpha + weeks)
        c = self.a + self.b - 1
        rest = hyp2f1(self.a + self.b - 1 - self.r, self.a - 1, c, z) * (1 - z) ** (self.a - 1)
        expected: Floats = c / (self.a - 1) * (1 - rest)
        return expected


def log_likelihood(parameters: Floats, history: Purchases) -> tuple[float, Floats]:
    """Return the log-likelihood of a history, and its derivatives by r, alpha, a and b."""
    from scipy.special import digamma, gammaln

    r, alpha, a, b = parameters
    x, weights = history.repeats, history.weights
    age, recency = alpha + history.age, alpha + history.recency
    last = b + np.maximum(x, 1) - 1
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    common = common + gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
    alive = -(r + x) * np.log(age)
    gone = np.where(x > 0, np.log(a) - np.log(last) - (r + x) * np.log(recency), -np.inf)
    both = np.logaddexp(alive, gone)
    p, q = np.exp(alive - both), np.exp(gone - both)
    shared = digamma(a + b) - digamma(a + b + x)
    by_r = digamma(r + x) - digamma(r) + np.log(alpha) - p * np.log(age) - q * np.log(recency)
    by_alpha = r / alpha - (r + x) * (p / age + q / recency)
    by_a = shared + q / a
    by_b = shared + digamma(b + x) - digamma(b) - q / last
    slope = np.array([np.dot(weights, by) for by in (by_r, by_alpha, by_a, by_b)])
    return float(np.dot(weights, common + both)), slope


def fit(history: Purchases) -> tuple[BgNbd, Maximum]:
    """Return the model under which a history is most likely.

    Raises:
        FitFailed: when there is no such model.
    """
    found = maximise(
        lambda parameters: log_likelihood(parameters, history), STARTS, history.customers, NAME
    )
    return BgNbd(*found.parameters), found
