"""What was decided in advance is what happens, and no policy widens an audience on stale consents.

The tables of truth of `spec/missing-data.md`; Hypothesis goes through every contract there can be.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.campaigns import gate
from flows.campaigns.gate import Due
from flows.contracts.contract import Contract, Policy
from flows.contracts.files import read_contracts
from flows.contracts.policy import Override, Verdict, decide

DAY = dt.date(2017, 11, 22)
CONTRACTS = read_contracts()
POLICIES: tuple[str, ...] = get_args(Policy)
WRONG = ("late", "missing", "empty", "short", "invalid", "wrong_day", "duplicate")
STRENGTH = {"nothing": 0, "dependent": 1, "everything": 2}
PROBLEM = "transactions for 2017-11-22 is not here."


def contract(**decided: Any) -> Contract:
    """Return a contract of which only what is named was decided."""
    nothing = {"if_invalid": None, "if_empty": None, "is_consent": False, "stale_limit_days": 0}
    return CONTRACTS["transactions"].model_copy(update={**nothing, **decided})


def verdict(of: Contract, state: str = "missing", age: int | None = 1) -> Verdict:
    """Decide on a table whose newest good rows are `age` days old; None: it never came."""
    last_good = None if age is None else DAY - dt.timedelta(days=age)
    return decide(of, DAY, state, PROBLEM, last_good)


def falls(decided: Verdict) -> tuple[bool, str]:
    return decided.may_build, decided.hold


OPTIONAL = st.one_of(st.none(), st.sampled_from(POLICIES))
WORLDS = st.fixed_dictionaries(
    {
        "if_missing": st.sampled_from(POLICIES),
        "if_invalid": OPTIONAL,
        "if_empty": OPTIONAL,
        "then": st.sampled_from(["hold_all", "hold_dependent"]),
        "stale_limit_days": st.integers(0, 10),
    }
)
AGES = st.one_of(st.none(), st.integers(0, 20))
STATES = st.sampled_from(WRONG)


@given(WORLDS, AGES, st.booleans())
def test_a_table_that_arrived_holds_nothing(
    decided: dict[str, Any], age: int | None, is_consent: bool
) -> None:
    found = verdict(contract(**decided, is_consent=is_consent), "arrived", age)
    assert falls(found) == (True, "nothing")
    assert (found.as_of, found.sentence, found.is_stale(DAY)) == (DAY, "", False)


@pytest.mark.parametrize("state", WRONG)
@pytest.mark.parametrize(
    ("policy", "consequence"),
    [
        ("hold_all", (False, "everything")),
        ("hold_dependent", (True, "dependent")),
        ("notify_only", (True, "nothing")),
        # On a day that must have rows it is what comes `then`.
        ("proceed_empty", (False, "everything")),
    ],
)
def test_a_policy_does_what_it_is_called_in_every_state(
    policy: str, consequence: tuple[bool, str], state: str
) -> None:
    found = verdict(contract(if_missing=policy), state)
    assert falls(found) == consequence
    assert (found.policy, found.state) == (policy, state)


@pytest.mark.parametrize("age", [0, 1, 2, 3])
def test_the_last_good_rows_stand_in_until_they_are_as_old_as_the_limit(age: int) -> None:
    found = verdict(contract(if_missing="use_last_good", stale_limit_days=3), age=age)
    assert falls(found) == (True, "nothing")
    assert found.as_of == DAY - dt.timedelta(days=age)
    assert f"the rows of {found.as_of} stand in" in found.sentence


@pytest.mark.parametrize("age", [4, 5, 300, None])
@pytest.mark.parametrize(
    ("then", "consequence"),
    [("hold_all", (False, "everything")), ("hold_dependent", (True, "dependent"))],
)
def test_past_the_limit_what_was_decided_for_then_takes_over(
    age: int | None, then: str, consequence: tuple[bool, str]
) -> None:
    decided = contract(if_missing="use_last_good", then=then, stale_limit_days=3)
    assert falls(verdict(decided, age=age)) == consequence


@pytest.mark.parametrize("state", WRONG)
def test_each_state_looks_up_the_policy_that_was_decided_for_it(state: str) -> None:
    decided = contract(if_missing="hold_all", if_invalid="hold_dependent", if_empty="notify_only")
    told = {"missing": "hold_all", "late": "hold_all", "empty": "notify_only"}
    policy = told.get(state, "hold_dependent")
    assert verdict(decided, state).policy == policy


@pytest.mark.parametrize("state", WRONG)
def test_where_nothing_else_was_decided_a_table_counts_as_missing(state: str) -> None:
    assert verdict(contract(if_missing="hold_dependent"), state).policy == "hold_dependent"


@given(WORLDS, STATES, AGES)
def test_no_policy_takes_stale_consents_for_fresh_ones(
    decided: dict[str, Any], state: str, age: int | None
) -> None:
    # In the build, whoever was not contactable before is not while consents are stale.
    found = verdict(contract(**decided, is_consent=True), state, age)
    assert found.is_consent
    assert not found.counts_as_fresh
    assert found.is_stale(DAY) == (age is not None and age > 0)


@given(WORLDS, STATES, AGES)
def test_consents_past_their_limit_hold_every_send(
    decided: dict[str, Any], state: str, age: int | None
) -> None:
    found = verdict(contract(**decided, is_consent=True), state, age)
    if age is None or age - 1 > decided["stale_limit_days"]:
        assert found.hold == "everything"


@given(WORLDS, STATES, AGES)
def test_being_about_consent_never_holds_less(
    decided: dict[str, Any], state: str, age: int | None
) -> None:
    other = verdict(contract(**decided), state, age)
    consent = verdict(contract(**decided, is_consent=True), state, age)
    assert STRENGTH[consent.hold] >= STRENGTH[other.hold]
    assert consent.may_build == other.may_build


@given(WORLDS, STATES, st.integers(0, 20), st.booleans())
def test_older_rows_never_hold_less(
    decided: dict[str, Any], state: str, age: int, is_consent: bool
) -> None:
    table = contract(**decided, is_consent=is_consent)
    newer, older = verdict(table, state, age), verdict(table, state, age + 1)
    never = verdict(table, state, None)
    assert STRENGTH[newer.hold] <= STRENGTH[older.hold] <= STRENGTH[never.hold]
    assert newer.may_build >= older.may_build >= never.may_build


@given(WORLDS, STATES, AGES, st.booleans())
def test_where_nothing_is_built_everything_is_held(
    decided: dict[str, Any], state: str, age: int | None, is_consent: bool
) -> None:
    found = verdict(contract(**decided, is_consent=is_consent), state, age)
    if not found.may_build:
        assert found.hold == "everything"
        assert "live stays as it was" in found.sentence


@given(WORLDS, STATES, AGES, st.booleans())
def test_a_verdict_says_what_is_wrong_what_was_decided_by_whom_and_what_follows(
    decided: dict[str, Any], state: str, age: int | None, is_consent: bool
) -> None:
    table = contract(**decided, is_consent=is_consent)
    found = verdict(table, state, age)
    said = [PROBLEM.rstrip("."), found.policy, table.decided_by, str(table.decided_on)]
    assert all(each in found.sentence for each in said)
    # The reason that was written down is that of a table that does not come.
    assert (table.because.rstrip(".") in found.sentence) == (state == "missing")
    told = {
        "nothing": "no campaign is held",
        "dependent": "every campaign that reads it is held",
        "everything": "every campaign is held",
    }
    assert told[found.hold] in found.sentence


@given(WORLDS, STATES, st.integers(1, 20), st.booleans())
def test_rows_that_stand_in_are_marked_stale(
    decided: dict[str, Any], state: str, age: int, is_consent: bool
) -> None:
    assert verdict(contract(**decided, is_consent=is_consent), state, age).is_stale(DAY)


@pytest.mark.parametrize("table", sorted(CONTRACTS))
@pytest.mark.parametrize("state", WRONG)
def test_every_contract_of_the_client_decides_every_state(table: str, state: str) -> None:
    found = decide(CONTRACTS[table], DAY, state, PROBLEM, DAY - dt.timedelta(days=1))
    assert found.policy in POLICIES
    assert found.table == table


def test_the_sales_of_the_day_hold_what_reads_them_and_a_wrong_file_holds_everything() -> None:
    sales = CONTRACTS["transactions"]
    assert falls(verdict(sales, "missing")) == (True, "dependent")
    assert falls(verdict(sales, "empty")) == (False, "everything")
    assert falls(verdict(sales, "invalid")) == (False, "everything")


# Overrides, and the campaigns that run anyway

OVERRIDE = Override("notify_only", "Ann of CRM", "The tills are down.", "2017-11-23 09:00")
CAMPAIGNS = [
    Due("win_back_email", "", "email", 100, 0, 0),
    Due("store_news_email", "", "email", 100, 0, 0, run_anyway=True),
]


def overridden(of: Contract, policy: str, state: str = "missing", age: int | None = 1) -> Verdict:
    last_good = None if age is None else DAY - dt.timedelta(days=age)
    decided = Override(policy, OVERRIDE.who, OVERRIDE.why, OVERRIDE.until)
    return decide(of, DAY, state, PROBLEM, last_good, "delivery", decided)


@pytest.mark.parametrize("state", WRONG)
def test_an_override_does_what_a_contract_with_that_policy_would(state: str) -> None:
    for policy in POLICIES:
        found = overridden(contract(if_missing="hold_all"), policy, state)
        # The limits of a contract are what a person overrides, for one night.
        without_limits = {"use_last_good": "notify_only", "proceed_empty": "notify_only"}
        same = without_limits.get(policy, policy)
        assert falls(found) == falls(verdict(contract(if_missing=same), state))
        assert (found.policy, found.by) == (policy, "override")
        for words in (OVERRIDE.who, OVERRIDE.until, OVERRIDE.why.rstrip(".")):
            assert words in found.sentence
            assert words in found.decided


@given(WORLDS, STATES, AGES, st.sampled_from(POLICIES))
def test_no_override_takes_stale_consents_for_fresh_ones(
    decided: dict[str, Any], state: str, age: int | None, policy: str
) -> None:
    found = overridden(contract(**decided, is_consent=True), policy, state, age)
    assert not found.counts_as_fresh
    if age is None or age > decided["stale_limit_days"]:
        assert (found.hold, found.holds_every_send) == ("everything", True)


def test_a_table_that_arrived_needs_no_override() -> None:
    found = overridden(contract(), "hold_all", "arrived")
    assert (found.hold, found.overridden) == ("nothing", False)


def decisions(*verdicts: Verdict) -> dict[str, str]:
    told = gate.decide(CAMPAIGNS, {}, verdicts, DAY)
    return {each.due.campaign_id: each.verdict for each in told}


def test_where_everything_is_held_only_what_runs_anyway_goes() -> None:
    broken = verdict(contract(if_missing="hold_all"))
    assert decisions(broken) == {"win_back_email": "held", "store_news_email": "go"}


@given(WORLDS, STATES)
def test_consents_past_their_limit_hold_what_runs_anyway_too(
    decided: dict[str, Any], state: str
) -> None:
    stale = verdict(contract(**decided, is_consent=True), state, decided["stale_limit_days"] + 1)
    assert set(decisions(stale).values()) == {"held"}
    broken = verdict(contract(if_missing="hold_all"))
    assert set(decisions(broken, stale).values()) == {"held"}


def test_a_held_campaign_says_what_who_decided_when_and_what_to_do() -> None:
    told = gate.decide(CAMPAIGNS, {}, [verdict(contract(if_missing="hold_dependent"))], DAY)[0]
    assert told.sentence == (
        "win_back_email is held: transactions for 2017-11-22 is missing, not here at 07:00 "
        "(contract: hold_dependent, decided by Head of CRM on 2017-01-02); it reads what cannot "
        "be traced. Send the table, then run: scv run 2017-11-22"
    )


def test_a_campaign_that_goes_under_an_override_quotes_it() -> None:
    told = gate.decide(CAMPAIGNS, {}, [overridden(contract(), "notify_only")], DAY)[0]
    assert (told.verdict, told.sentence) == (
        "go",
        "win_back_email goes under an override: transactions for 2017-11-22 is missing, not here "
        "at 07:00 (notify_only, decided by Ann of CRM until 2017-11-23 09:00: The tills are down).",
    )


@pytest.mark.parametrize("due", ["empty", "nothing"])
def test_a_day_that_may_be_empty_goes_on_as_one_without_rows(due: Any) -> None:
    table = contract(if_missing="proceed_empty")
    found = decide(table, DAY, "missing", PROBLEM, DAY - dt.timedelta(days=9), due)
    assert falls(found) == (True, "nothing")
    assert (found.as_of, found.is_stale(DAY)) == (DAY, False)
    assert "the day counts as one with no rows" in found.sentence


def test_what_is_not_due_holds_nothing_and_is_not_stale() -> None:
    found = verdict(contract(if_missing="hold_all"), "not_due", age=6)
    assert falls(found) == (True, "nothing")
    assert (found.as_of, found.is_stale(DAY)) == (DAY - dt.timedelta(days=6), False)


@given(WORLDS, st.integers(1, 40), st.sampled_from(["arrived", "missing", "invalid"]))
def test_consents_of_which_a_day_never_came_stay_as_old_as_the_day_before_it(
    decided: dict[str, Any], days: int, state: str
) -> None:
    decided = decided | {"if_missing": "use_last_good"}
    gap, newest = DAY - dt.timedelta(days=days), DAY - dt.timedelta(days=state != "arrived")
    of = contract(**decided, is_consent=True)
    found = decide(of, DAY, state, "consents are odd", newest, gap=gap)
    assert found.is_stale(DAY)
    assert found.as_of == newest, "what has come since is used: a no in it counts"
    assert str(gap) in found.sentence
    if days + 1 > decided["stale_limit_days"]:
        assert (found.hold, found.holds_every_send) == ("everything", True)


def test_a_gap_in_another_table_holds_nothing_on_the_days_after_it() -> None:
    gap = DAY - dt.timedelta(days=1)
    assert falls(decide(contract(), DAY, "arrived", "", DAY, gap=gap)) == (True, "nothing")
