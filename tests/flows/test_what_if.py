"""The gate, asked before the fact: which campaigns would be held, and how many customers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.contracts.files import read_contracts
from flows.contracts.policy import decide
from flows.errors import DeliveryRefused
from flows.ledger import Ledger
from flows.settings import Instance
from flows.what_if import STATES
from tests.conftest import Answer

Scv = Callable[..., Answer]


def lines(answer: Answer, name: str) -> str:
    """The line of the table that begins with a campaign."""
    return next(line for line in answer.out.splitlines() if f"│ {name} " in line)


def test_a_date_that_has_run_shows_what_was_decided(instance: Instance, scv: Scv) -> None:
    answer = scv("gate", "2017-11-21")
    assert answer.code == 0
    assert "store_news_email" in answer.out
    assert "0 of 5 campaigns held" in answer.out


def test_a_date_that_has_not_run_says_how_to_ask(instance: Instance, scv: Scv) -> None:
    assert "scv gate 2017-11-22 --what-if transactions=missing" in scv("gate", "2017-11-22").out


def test_only_what_reads_the_table_would_be_held(instance: Instance, scv: Scv) -> None:
    answer = scv("gate", "2017-11-22", "--what-if", "coupon_redemptions=missing")
    assert answer.code == 0
    assert "held" in lines(answer, "coupon_lovers_email")
    assert "as on 2017-11-20" in lines(answer, "coupon_lovers_email")
    assert "go" in lines(answer, "birthday_email")
    assert "win_back_email" not in answer.out, "it is not due on a Wednesday"
    assert "coupons_redeemed_lifetime (from the rows of coupon_redemptions)" in answer.out
    assert "1 of 4 campaigns held: 139 customers get no message" in answer.out


def test_two_tables_may_be_asked_about_at_once(instance: Instance, scv: Scv) -> None:
    both = ["--what-if", "coupon_redemptions=missing", "--what-if", "transactions=missing"]
    assert "4 of 4 campaigns held" in scv("gate", "2017-11-22", *both).out


def test_a_table_whose_last_rows_stand_in_holds_nothing(instance: Instance, scv: Scv) -> None:
    answer = scv("gate", "2017-11-22", "--what-if", "products=missing")
    assert "the rows of 2017-11-21 stand in" in answer.out
    assert "0 of 4 campaigns held" in answer.out


@pytest.mark.parametrize("table", ["email_events", "sms_events"])
def test_who_can_be_reached_is_taken_from_the_days_before_for_two_days(
    instance: Instance, scv: Scv, table: str
) -> None:
    answer = scv("gate", "2017-11-22", "--what-if", f"{table}=missing")
    assert "the rows of 2017-11-21 stand in" in answer.out
    assert "0 of 4 campaigns held" in answer.out
    contract, day = read_contracts()[table], dt.date(2017, 11, 22)
    held = {
        days: decide(contract, day, "missing", "", day - dt.timedelta(days=days)).hold
        for days in (1, 2, 3)
    }
    assert held == {1: "nothing", 2: "nothing", 3: "dependent"}


def test_a_table_that_came_may_be_asked_about_as_if_it_had_not(
    instance: Instance, scv: Scv
) -> None:
    answer = scv("gate", "2017-11-21", "--what-if", "transactions=missing")
    assert "the rows of 2017-11-20 stand in" in answer.out
    assert "5 of 5 campaigns held" in answer.out


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("transactons=missing", "There is no table 'transactons'"),
        ("transactions=mising", "There is no state 'mising'"),
        ("transactions", "There is no state ''"),
    ],
)
def test_a_word_that_is_not_known_gets_the_near_ones(
    instance: Instance, scv: Scv, asked: str, said: str
) -> None:
    answer = scv("gate", "2017-11-22", "--what-if", asked)
    assert answer.code == 2
    assert said in answer.err
    assert "Did you mean" in answer.err


def test_asking_changes_nothing(instance: Instance, scv: Scv) -> None:
    def state() -> dict[Path, int]:
        files = instance.root.rglob("*")
        return {each: each.stat().st_size for each in files if ".sqlite" not in each.name}

    before, ledger = state(), _dump(instance)
    scv("gate", "2017-11-22", "--what-if", "transactions=missing")
    assert (state(), _dump(instance)) == (before, ledger)


def test_every_state_of_an_error_may_be_asked_about() -> None:
    def states(kind: type[DeliveryRefused]) -> set[str]:
        return {kind.state}.union(*(states(each) for each in kind.__subclasses__()))

    assert states(DeliveryRefused) <= set(STATES)


def _dump(instance: Instance) -> list[str]:
    with Ledger(instance.ledger_url).engine.connect() as connection:
        return list(connection.connection.driver_connection.iterdump())  # type: ignore[union-attr]
