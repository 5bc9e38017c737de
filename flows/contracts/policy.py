"""What was decided in advance for a table that did not come as agreed. Pure functions.

The policy is the client's, and so is the override of one night. What neither can change: on stale
consents nobody turns contactable, and past their stale limit every send is held, those of
campaigns that run anyway too.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Literal

from flows.contracts.calendar import Expected
from flows.contracts.contract import Contract

Hold = Literal["nothing", "dependent", "everything"]
FINE = ("arrived", "not_due")


@dataclass(frozen=True)
class Override:
    """What a person decided for one table of one business date, against its contract."""

    policy: str
    who: str
    why: str
    until: str

    @property
    def told(self) -> str:
        """Who decided it, until when and why."""
        return f"{self.who} until {self.until}: {self.why.rstrip('.')}"


@dataclass(frozen=True)
class Verdict:
    """What tonight's build may do with one table, and which campaigns it holds."""

    table: str
    state: str
    policy: str
    as_of: dt.date | None
    may_build: bool
    hold: Hold
    sentence: str
    decided: str
    is_consent: bool = False
    counts_as_fresh: bool = False
    overridden: bool = False
    # Consents so old that nobody may be written to at all.
    holds_every_send: bool = False
    # A day of consents that never came: whoever said no in it is not known.
    gap: dt.date | None = None
    wait_until: str = ""

    @property
    def by(self) -> str:
        """Which word of the client's it follows."""
        return "override" if self.overridden else "contract"

    @property
    def found(self) -> str:
        """How the table was found, in words that follow its name."""
        if self.gap is not None:
            return f"lacks {self.gap}, which never came"
        late = f", not here at {self.wait_until}" if self.state == "missing" else ""
        return f"is {self.state.replace('_', ' ')}{late}"

    def is_stale(self, day: dt.date) -> bool:
        """True when older rows than agreed stand in for those of the business date."""
        older = self.as_of is not None and self.as_of < day
        return self.gap is not None or (not self.counts_as_fresh and older)


@dataclass(frozen=True)
class _Consequence:
    hold: Hold
    may_build: bool
    counts_as_fresh: bool = False
    holds_every_send: bool = False


# Who overrides says until when: the limits of the contract are what is overridden.
_OVERRIDDEN = {
    "use_last_good": _Consequence("nothing", True),
    "proceed_empty": _Consequence("nothing", True, counts_as_fresh=True),
}


def decide(
    contract: Contract,
    day: dt.date,
    state: str,
    problem: str,
    last_good: dt.date | None,
    due: Expected = "delivery",
    override: Override | None = None,
    gap: dt.date | None = None,
) -> Verdict:
    """Return the verdict on one table of one business date.

    Args:
        contract: the table's contract with its policy.
        day: the business date.
        state: `arrived`, `not_due`, or what went wrong.
        problem: the sentence that says what went wrong.
        last_good: business date of the newest accepted batch, up to and including `day`.
        due: what the calendar expects on that date.
        override: what a person decided for this night, if anybody did.
        gap: the first earlier date of which nothing ever came; it counts for consents only.
    """
    if contract.is_consent and gap is not None:
        return _with_gap(contract, day, state, problem, gap, last_good, override)
    if state in FINE:
        as_of = day if state == "arrived" else last_good
        fine = _Consequence("nothing", True, counts_as_fresh=True)
        return _verdict(contract, state, state, as_of, fine, "", None)
    policy = override.policy if override else contract.policy(state)
    falls = (
        _OVERRIDDEN.get(policy) if override and last_good is not None else None
    ) or _consequence(contract, policy, state, due, day, last_good)
    if contract.is_consent:
        falls = _of_consents(contract, falls, state, day, last_good)
    as_of = day if falls.counts_as_fresh else last_good
    sentence = f"{problem.rstrip('.')}. {_because(contract, policy, state, override)}: "
    sentence += _in_words(falls, state, last_good)
    return _verdict(contract, state, policy, as_of, falls, sentence, override)


def _with_gap(
    contract: Contract,
    day: dt.date,
    state: str,
    problem: str,
    gap: dt.date,
    last_good: dt.date | None,
    override: Override | None,
) -> Verdict:
    """Consents with a day missing are as old as the day before it, whatever has come since."""
    whole_until = gap - dt.timedelta(days=1)
    told = "" if state in FINE else f"{problem.rstrip('.')}. "
    never = (
        f"{told}{contract.table} for {gap} never came, and may hold a no. Ask {contract.owner} to "
        f"send it, an empty one if nobody said anything, then run: scv run {day}"
    )
    decided = decide(contract, day, "missing", never, whole_until, "delivery", override)
    # What has come since is used all the same: a no in it counts.
    as_of = day if state in FINE else last_good
    return replace(decided, as_of=as_of, counts_as_fresh=False, gap=gap)


def _verdict(
    contract: Contract,
    state: str,
    policy: str,
    as_of: dt.date | None,
    falls: _Consequence,
    sentence: str,
    override: Override | None,
) -> Verdict:
    decided = f"decided by {override.told}" if override else contract.decided
    return Verdict(
        *(contract.table, state, policy, as_of, falls.may_build, falls.hold, sentence, decided),
        is_consent=contract.is_consent,
        counts_as_fresh=falls.counts_as_fresh,
        holds_every_send=falls.holds_every_send,
        overridden=override is not None,
        wait_until=contract.wait_until,
    )


def _consequence(
    contract: Contract,
    policy: str,
    state: str,
    due: Expected,
    day: dt.date,
    last_good: dt.date | None,
) -> _Consequence:
    if policy == "use_last_good":
        if _too_old(contract, day, last_good):
            return _consequence(contract, contract.then, state, due, day, last_good)
        return _Consequence("nothing", True)
    if policy == "proceed_empty":
        if due == "delivery":
            return _consequence(contract, contract.then, state, due, day, last_good)
        return _Consequence("nothing", True, counts_as_fresh=True)
    if policy == "notify_only":
        # Too many or too few rows are still the rows that came.
        return _Consequence("nothing", True, counts_as_fresh=state == "out_of_band")
    if policy == "hold_dependent":
        return _Consequence("dependent", True)
    return _Consequence("everything", False)


def _of_consents(
    contract: Contract,
    falls: _Consequence,
    state: str,
    day: dt.date,
    last_good: dt.date | None,
) -> _Consequence:
    if falls.counts_as_fresh and state == "out_of_band":
        return falls
    if _too_old(contract, day, last_good):
        return _Consequence("everything", falls.may_build, holds_every_send=True)
    # Whoever says that a day without consents is a day without a no: stale is what they are.
    return _Consequence(falls.hold, falls.may_build)


def _too_old(contract: Contract, day: dt.date, last_good: dt.date | None) -> bool:
    return last_good is None or (day - last_good).days > contract.stale_limit_days


def _because(contract: Contract, policy: str, state: str, override: Override | None) -> str:
    if override:
        return f"By override ({policy}, decided by {override.told})"
    # The reason that was written down is that of a table that does not come.
    because = f": {contract.because.rstrip('.')}" if state == "missing" else ""
    return f"By contract ({policy}, {contract.decided}{because})"


def _in_words(falls: _Consequence, state: str, last_good: dt.date | None) -> str:
    if not falls.may_build:
        return (
            "nothing is built and every campaign is held: live stays as it was. Campaigns marked "
            "run_anyway go on with it."
        )
    rows = f"the rows of {last_good} stand in" if last_good else "the table counts as empty"
    if falls.counts_as_fresh:
        came = state == "out_of_band"
        rows = "the rows that came are used" if came else "the day counts as one with no rows"
    which = {
        "nothing": "and no campaign is held",
        "dependent": "and every campaign that reads it is held",
        "everything": "and every campaign is held",
    }[falls.hold]
    return f"{rows}, {which}."
