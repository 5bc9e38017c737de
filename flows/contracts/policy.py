"""What was decided in advance for a table that did not come as agreed. Pure functions.

The policy is the client's; two rules no policy can change: stale consents hold every campaign
that reads them, and past their stale limit they hold every send, run-anyway ones too.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from flows.contracts.contract import Contract

Hold = Literal["nothing", "dependent", "everything"]


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

    def is_stale(self, day: dt.date) -> bool:
        """True when the newest rows used are older than the business date."""
        return self.as_of is not None and self.as_of < day


def decide(
    contract: Contract, day: dt.date, state: str, problem: str, last_good: dt.date | None
) -> Verdict:
    """Return the verdict on one table of one business date.

    Args:
        contract: the table's contract with its policy.
        day: the business date.
        state: `arrived`, or what went wrong.
        problem: the sentence that says what went wrong.
        last_good: business date of the newest accepted batch, up to and including `day`.
    """
    if state == "arrived":
        return _verdict(contract, "arrived", "arrived", day, True, "nothing", "")
    policy = contract.policy(state)
    hold, may_build = _consequence(contract, policy, day, last_good)
    if contract.is_consent:
        hold = "everything" if _too_old(contract, day, last_good) else _at_least(hold)
    # The reason that was written down is that of a table that does not come.
    because = f": {contract.because.rstrip('.')}" if state == "missing" else ""
    sentence = (
        f"{problem.rstrip('.')}. By contract ({policy}, {contract.decided}{because}): "
        f"{_in_words(hold, may_build, last_good)}"
    )
    return _verdict(contract, state, policy, last_good, may_build, hold, sentence)


def _verdict(
    contract: Contract,
    state: str,
    policy: str,
    as_of: dt.date | None,
    may_build: bool,
    hold: Hold,
    sentence: str,
) -> Verdict:
    return Verdict(
        *(contract.table, state, policy, as_of, may_build, hold, sentence, contract.decided),
        is_consent=contract.is_consent,
    )


def _consequence(
    contract: Contract, policy: str, day: dt.date, last_good: dt.date | None
) -> tuple[Hold, bool]:
    if policy == "use_last_good":
        if _too_old(contract, day, last_good):
            return _consequence(contract, contract.then, day, last_good)
        return "nothing", True
    if policy == "hold_all":
        return "everything", False
    if policy == "hold_dependent":
        return "dependent", True
    return "nothing", True


def _too_old(contract: Contract, day: dt.date, last_good: dt.date | None) -> bool:
    return last_good is None or (day - last_good).days > contract.stale_limit_days


def _at_least(hold: Hold) -> Hold:
    return "everything" if hold == "everything" else "dependent"


def _in_words(hold: Hold, may_build: bool, last_good: dt.date | None) -> str:
    if not may_build:
        return "nothing is built and every campaign is held: live stays as it was."
    rows = f"the rows of {last_good} stand in" if last_good else "the table counts as empty"
    which = {
        "nothing": "and no campaign is held",
        "dependent": "and every campaign that reads it is held",
        "everything": "and every campaign is held",
    }[hold]
    return f"{rows}, {which}."
