"""`scv explain column`: attributes, raw columns and raw tables, and what was done with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from flows.desk.store import Desk
from flows.settings import Instance
from tests.conftest import Answer
from tests.desk.asked import asked

Scv = Callable[..., Answer]


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that breaks no line."""
    monkeypatch.setenv("COLUMNS", "2000")


def told(scv: Scv, *arguments: str) -> str:
    """What it says, with its spaces made one."""
    answer = scv("explain", "column", *arguments)
    assert answer.code == 0, answer.err
    return " ".join(answer.out.split())


def machine(scv: Scv, name: str) -> Any:
    return json.loads(scv("explain", "column", name, "--json").out)


def test_a_raw_column_says_who_reads_it_and_what_holds_it(
    instance: Instance, scv: Scv, wide: None
) -> None:
    said = told(scv, "coupon_redemptions.redemption_date")
    assert "raw column: coupon_redemptions.redemption_date (date), sent by coupons@client" in said
    assert "critical: not be null" in said
    assert "last_coupon_redeemed_date" in said
    assert "wait for its table: coupon_lovers_email" in said


def test_a_raw_table_says_what_happens_without_it(instance: Instance, scv: Scv, wide: None) -> None:
    said = told(scv, "coupon_redemptions")
    assert "raw table: coupon_redemptions" in said
    assert "if it is missing: hold_dependent, decided by Head of CRM" in said
    assert "columns: household_id, coupon_upc" in said


def test_a_name_without_its_table_is_found_in_each(
    instance: Instance, scv: Scv, wide: None
) -> None:
    of_both = told(scv, "household_id")
    assert "column: single_customer_view.household_id" in of_both, "an attribute goes first"
    assert "transactions.household_id" in of_both.partition("also a raw column:")[2]
    assert machine(scv, "coupon_upc")["name"] == "coupon_redemptions.coupon_upc"
    names = [each["name"] for each in machine(scv, "campaign_id")]
    assert {"campaign_mailings.campaign_id", "coupon_redemptions.campaign_id"} <= set(names)
    assert all(name.endswith(".campaign_id") for name in names)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("consents.chanel", "consents.channel"), ("coupon_redemption", "coupon_redemptions")],
)
def test_what_is_like_it_is_named(typed: str, meant: str, instance: Instance, scv: Scv) -> None:
    answer = scv("explain", "column", typed)
    assert answer.code != 0
    assert "Did you mean" in answer.err
    assert meant in answer.err


def test_a_request_on_its_way_is_told_with_its_steps(
    instance: Instance, scv: Scv, wide: None
) -> None:
    desk = Desk(instance.desk)
    content = asked("purchases", expects__attributes={"is_vip": {"share_at_most": 0.2, "why": "x"}})
    number = desk.create(content, "Robin Haas").id
    assert "What was given away" not in told(scv, "is_vip"), "a draft is nobody's business"
    desk.say(number, "submitted", "Robin Haas")
    said = told(scv, "is_vip")
    assert f"{number} “What was given away is no purchase” (submitted, asked for by" in said
    assert "may change for up to 20.0 % of the customers" in said
    assert "submitted by Robin Haas" in said
    (entry,) = [each for each in machine(scv, "is_vip")["history"] if each["name"] == number]
    assert entry["link"] == f"requests/{number}.html"
    assert [each["what"] for each in entry["steps"]] == ["draft", "submitted"]


def test_for_machines_an_attribute_has_all_of_its_facts(instance: Instance, scv: Scv) -> None:
    found = machine(scv, "churn_factor")
    assert found["kind"] == "attribute"
    assert "transactions.business_date" in found["made_of"]
    assert {"history", "note", "campaigns", "meaning"} <= set(found)
