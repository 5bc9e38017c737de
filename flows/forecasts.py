"""What a person asks for: a fit of what is live, and how good it would have been."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from flows import clock
from flows.builds import live
from flows.errors import SettingsWrong
from flows.predictions.history import dates_of, opened, read_history
from flows.predictions.parameters import SEED, Decision, Fit, fit, write_seed
from flows.predictions.report import DOCS, write_report
from flows.settings import Instance, read_instance


def fit_live(
    until: dt.date | None, who: str, why: str, decided_on: dt.date | None, to: Path | None
) -> str:
    """Fit on what is live, write the seed, and say what was found and what to do next.

    Raises:
        NothingPublished: when nothing is live.
        SettingsWrong: when live does not reach the date.
        FitFailed: when no parameters fit.
    """
    instance = read_instance()
    with opened(_live(instance)) as connection:
        day = _last_day(until, dates_of(connection)[1])
        found = fit(read_history(connection, day))
    decision = Decision(who, decided_on or clock.now(instance).date(), why)
    return _said(found, write_seed(found, decision, to or SEED))


def report_live(until: dt.date | None, days: int | None, to: Path | None) -> str:
    """Hold out the last days of what is live, write the report, and say where it is.

    Raises:
        NothingPublished: when nothing is live.
        SettingsWrong: when live does not reach the date.
        FitFailed: when the history is too short, or no parameters fit.
    """
    from flows.pages import write_predictions
    from flows.predictions.holdout import hold_out

    instance = read_instance()
    with opened(_live(instance)) as connection:
        first, newest = dates_of(connection)
        held = hold_out(connection, first, _last_day(until, newest), days)
    numbers, page = write_report(held, to or DOCS)
    instance.reports.mkdir(parents=True, exist_ok=True)
    shown = write_predictions(instance.reports, to or DOCS)
    return (
        f"Learned until {held.cut}, held against what came until {held.until}.\n"
        f"  to read       {page}\n  with charts   {shown}\n  numbers       {numbers}\n"
        "Commit the first and the last; scv docs writes the page into the docs site."
    )


def _live(instance: Instance) -> Path:
    return live.path_of(instance, live.current_or_stop(instance))


def _last_day(until: dt.date | None, newest: dt.date) -> dt.date:
    if until is not None and until > newest:
        raise SettingsWrong(f"Live is of {newest} and knows nothing of {until}.")
    return until or newest


def _said(found: Fit, seed: Path) -> str:
    orders, values = found.orders, found.values
    return (
        f"{found.model_version}, on {found.customers:,} customers\n"
        f"  BG/NBD       r {orders.r:.4f}, alpha {orders.alpha:.4f}, a {orders.a:.4f}, "
        f"b {orders.b:.4f}; log-likelihood {found.likelihoods[0]:,.1f}\n"
        f"  Gamma-Gamma  p {values.p:.4f}, q {values.q:.4f}, gamma {values.gamma:.4f}; "
        f"log-likelihood {found.likelihoods[1]:,.1f}\n"
        f"{seed} is written. Next: scv predictions report, then a pull request with both; the "
        "scores follow with the release."
    )
