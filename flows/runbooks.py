"""The runbook of a table, made from its contract: what the night does by itself, in sentences.

Nothing is said here of what a policy does: each state is put to the same function that decides the
night, on a day that never was, and told in words.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from flows.campaigns.lineage import Reads
from flows.contracts.calendar import Calendar, Expected
from flows.contracts.contract import Contract, Policy
from flows.contracts.policy import Hold, Verdict, decide
from flows.settings import Instance

# Of the same policy, by the contract: what came is not what was agreed.
BROKEN = "invalid, short, wrong_day, duplicate"
MEANS = {
    "missing": "it is not there at {wait_until}",
    BROKEN: "it came, and not as agreed: other columns, cut off, of another day, rows that do not "
    "fit, or a critical check failed",
    "empty": "it came with no rows, on a day that must have some",
    "out_of_band": "it came with far more or fewer rows than that weekday has as a rule",
}
RHYTHM = {
    "daily": "every day",
    "weekdays": "Monday to Friday",
    "calendar": "on the days that the calendar names",
}
CALENDAR = {"delivery": "is due", "empty": "may be empty", "nothing": "is not due"}
HELD: tuple[Hold, ...] = ("nothing", "dependent", "everything")
A_DAY = dt.date(2000, 6, 15)


@dataclass(frozen=True)
class Case:
    """What the night does by itself about a table in some state.

    Args:
        state: the states, as the ledger names them.
        outcomes: what follows, each with the circumstances; one without any if it is always so.
        holds: the most that it may hold.
    """

    state: str
    means: str
    policy: str
    outcomes: tuple[tuple[str, str], ...]
    holds: Hold


@dataclass(frozen=True)
class Overriding:
    """Which policies a person may put in the place of the contract's, and what none can do."""

    policies: tuple[str, ...]
    bounds: str


def cases_of(contract: Contract) -> list[Case]:
    """Return what follows when a table does not come as agreed, state by state."""
    states = ["missing", BROKEN]
    states += ["empty"] if contract.may_be_empty != "always" else []
    states += ["out_of_band"] if contract.row_band_low is not None else []
    return [_case(contract, state) for state in states]


def overriding(contract: Contract) -> Overriding:
    """Return what an override may do to a table."""
    may_be_empty = contract.load == "delta" and not contract.is_consent
    policies = tuple(p for p in get_args(Policy) if may_be_empty or p != "proceed_empty")
    bounds = "It ends at the time that it names, and holds for this one date."
    if contract.is_consent:
        limit = contract.stale_limit_days
        since = f"when they are older than {_days(limit)}" if limit else "from the first day on"
        bounds += (
            " It cannot widen: while consents are stale nobody turns contactable, and "
            f"{since} every send is held, whatever it says."
        )
    return Overriding(policies, bounds)


def when_due(contract: Contract, instance: Instance) -> str:
    """Return in a sentence when a table comes, and how long it is waited for."""
    rhythm = RHYTHM.get(contract.deliveries, f"every {str(contract.delivery_weekday).title()}")
    late = (
        "What comes after the view is published goes in when the date is run again"
        if contract.late_arrival == "rebuild"
        else "What comes after the view is published goes in with the next night"
    )
    back = contract.reaches_back_days
    return (
        f"Due {rhythm} by {contract.ready_by} ({instance.time_zone.key}); the night looks for it "
        f"until {contract.wait_until}. {late}"
        + (f"; a correction reaches back {_days(back)}." if back else ".")
    )


def exceptions(contract: Contract, calendar: Calendar, since: dt.date | None) -> list[str]:
    """Return what the calendar says of the next days of a table."""
    told = sorted((day, said) for (table, day), said in calendar.items() if table == contract.table)
    ahead = [(day, said) for day, said in told if since is None or day >= since]
    return [f"{day} it {CALENDAR[said]}" for day, said in ahead[:3]]


def how_it_comes(contract: Contract, source: Any) -> str:
    """Return in words where a table comes from: names only, no address and no secret."""
    table, name = source.tables[contract.table], f"sources/{contract.source}.yml"
    if source.kind == "files":
        packed = f", {table.compression}" if table.compression else ""
        told = "named in the manifest" if table.in_manifest else "not named in the manifest"
        return f"a file, `{table.path}` ({table.format}{packed}), {told}; `{name}`"
    if source.kind in ("database", "snowflake"):
        what = f"relation `{table.relation}`" if table.relation else "a query of its own"
        since = f", what changed by `{table.changed_since}`" if table.changed_since else ""
        return f"a {source.kind} that is asked: {what}{since}; `{name}`"
    if source.kind == "api":
        return f"an API that is asked: `{table.path}`; `{name}`"
    return f"our own receipts of what was sent; `{name}`"


def waiting_for(table: str, reads: Mapping[str, Reads]) -> dict[str, str]:
    """Return the campaigns that read a table, each with the first of what it reads from it."""
    found = {name: each.through(table) for name, each in sorted(reads.items())}
    return {name: ", ".join(through[:3]) for name, through in found.items() if through}


def _case(contract: Contract, state: str) -> Case:
    asked = state.split(",")[0]
    found = list(_circumstances(contract, asked))
    outcomes = [(when, _in_words(contract, asked, verdict)) for when, verdict in found]
    if len({told for _, told in outcomes}) == 1:
        outcomes = [("", outcomes[0][1])]
    means = MEANS[state].format(wait_until=contract.wait_until)
    holds = max((verdict.hold for _, verdict in found), key=HELD.index)
    return Case(state, means, contract.policy(asked), tuple(outcomes), holds)


def _circumstances(contract: Contract, state: str) -> Iterator[tuple[str, Verdict]]:
    """Yield each circumstance that may make a difference, with the verdict under it."""
    limit = contract.stale_limit_days
    ages = {"when they are older" if limit else "": A_DAY - dt.timedelta(days=limit + 1)}
    if limit:
        young = f"while the last rows are at most {_days(limit)} old"
        ages = {young: A_DAY - dt.timedelta(days=1)} | ages
    dues: dict[str, Expected] = {"": "empty" if contract.may_be_empty == "always" else "delivery"}
    if contract.policy(state) == "proceed_empty" and contract.may_be_empty == "calendar":
        dues = {"on a day that the calendar lets be empty": "empty", "on any other": "delivery"}
    for on, due in dues.items():
        for old, last_good in ages.items():
            verdict = decide(contract, A_DAY, state, "", last_good, due)
            yield ", ".join(each for each in (on, old) if each), verdict


def _in_words(contract: Contract, state: str, verdict: Verdict) -> str:
    anyway = (
        "Nothing is sent at all, not even what is marked run_anyway."
        if verdict.holds_every_send
        else "What is marked run_anyway goes out all the same."
    )
    if not verdict.may_build:
        return f"Nothing is built, live stays as it was, every campaign is held. {anyway}"
    rows = "The view is built with the last rows that came, marked stale"
    if verdict.counts_as_fresh:
        came = state == "out_of_band"
        rows = "The view is built with the rows that came"
        rows = rows if came else "The view is built, and the day counts as one with no rows"
    held = {
        "nothing": "no campaign is held.",
        "dependent": "campaigns that read the table are held.",
        "everything": f"every campaign is held. {anyway}",
    }[verdict.hold]
    stays = contract.is_consent and not verdict.counts_as_fresh
    return f"{rows}; {held}" + (" Nobody turns contactable meanwhile." if stays else "")


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"
