"""The checks that the form runs itself, against a night of the demo client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.desk.checks import check
from flows.desk.known import Known, closes, known_of, next_tuesday
from flows.desk.store import Desk
from flows.desk.submitting import NotSound, ask_back, close, submit
from flows.errors import RequestWrong
from flows.settings import Instance
from tests.desk.asked import KINDS, asked


@pytest.fixture
def known(instance: Instance) -> Known:
    """What there is at the end of the night."""
    return known_of(instance)


def told(content: dict[str, Any], known: Known, **samples: Path) -> list[str]:
    """What is found, each with its place."""
    return [f"{each.place}: {each.says}" for each in check(content, known, samples)]


def wrong(content: dict[str, Any], known: Known, **samples: Path) -> list[str]:
    """What keeps a request from being handed in."""
    found = check(content, known, samples)
    return [f"{each.place}: {each.says}" for each in found if each.weight == "wrong"]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_wrong_with_the_example_of_a_kind(kind: str, known: Known) -> None:
    assert wrong(asked(kind), known) == []


@pytest.mark.parametrize(
    ("kind", "changes", "says"),
    [
        ("new_table", {"new_table__name": "transactions"}, "is a table that comes already"),
        ("new_table", {"new_table__source_kind": "database"}, "is of the kind files"),
        ("columns", {"columns__table": "refunds"}, "there is no table refunds"),
        ("attribute", {"attribute__name": "is_vip"}, "is an attribute of the view already"),
        ("attribute", {"attribute__replaces": "is_vop"}, "is_vop is no attribute of the view"),
        ("attribute", {"attribute__input": "int_refunds"}, "is no table with customers: int_"),
        ("attribute", {"attribute__formula": "max(refunds)"}, "names refunds, which is no column"),
        ("attribute", {"attribute__formula": "max(refund_amount"}, "cannot be read as an SQL"),
        ("attribute", {"attribute__window_column": "day"}, "is no column of int_returns_resolved"),
        ("activity", {"activity__time_column": "at"}, "at is no column of web_sessions"),
        ("activity", {"activity__left_out": "is_bot"}, "names is_bot, which is no column"),
        ("purchases", {"purchases__counts_when": "status = 'paid'"}, "names status, which is no"),
        ("purchases", {"expects": {}}, "another purchase history changes attributes"),
        (
            "attribute",
            {"expects": {"attributes": {"is_vop": {"share_at_most": 1, "why": "so"}}}},
            "is no attribute of the single_customer_view",
        ),
    ],
)
def test_names_are_free_or_there_as_claimed(
    kind: str, changes: dict[str, Any], says: str, known: Known
) -> None:
    found = wrong(asked(kind, **changes), known)

    assert any(says in each for each in found), found


def test_a_column_that_is_there_already_is_named(known: Known) -> None:
    content = asked("columns")
    content["columns"]["columns"][1]["name"] = "return_id"

    found = wrong(content, known)

    assert (
        "Columns to an existing table, New columns 2, Name: is a column of returns already" in found
    )


def test_a_policy_that_no_contract_may_have_is_refused(known: Known) -> None:
    content = asked("new_table", new_table__if_missing="proceed_empty", new_table__load="full")

    assert any("no contract may say so" in each for each in wrong(content, known))


@pytest.mark.parametrize(
    ("kind", "row", "expected", "says"),
    [
        ("attribute", 0, "4.00", "customer 1: 4.0000 is expected, and it comes to 4.2500"),
        ("attribute", 3, "unknown", "customer 2: unknown is expected, and it comes to 0.0000"),
        ("activity", 1, "counts", "row 2: counts is expected, and it comes to does not count"),
        ("purchases", 2, "0", "row 3: 0.0000 is expected, and it comes to 1.5000"),
        ("new_table", 1, "accepted", "row 2: accepted is expected, and it is set aside"),
        ("new_table", 3, "accepted", "row 4: accepted is expected, and it is set aside"),
        ("columns", 2, "accepted", "row 3: accepted is expected, and it is set aside"),
        ("columns", 0, "perhaps", "expected is 'accepted' or 'set aside'"),
    ],
)
def test_the_examples_come_to_what_they_expect(
    kind: str, row: int, expected: str, says: str, known: Known
) -> None:
    content = asked(kind)
    content[kind]["examples"][row]["expected"] = expected

    found = wrong(content, known)

    assert any(each.endswith(says) for each in found) or any(says in each for each in found), found


def test_a_customer_of_the_examples_has_one_expected_value(known: Known) -> None:
    content = asked("attribute")
    content["attribute"]["examples"][1]["expected"] = "5"

    assert any("expect two values for customer 1" in each for each in wrong(content, known))


HEAD = "rating_id,household_id,rated_at,stars,topic\n"
GOOD = "1,11,2017-11-20 18:00:00,5,goods\n2,12,2017-11-20 18:00:00,4,\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEAD + GOOD + "3,13,2017-11-20 18:00:00,9,goods\n", "1 of 3 rows of the sample would be"),
        (HEAD + GOOD + "3,x,2017-11-20 18:00:00,1,goods\n", "1 of 3 rows of the sample would be"),
        (HEAD + GOOD + "2,13,2017-11-20 18:00:00,1,goods\n", "breaks what is said"),
        (HEAD + GOOD + ",13,2017-11-20 18:00:00,1,goods\n", "breaks what is said"),
        (HEAD.replace("stars", "points") + GOOD, "cannot be taken in"),
        ("", "has no rows"),
        (HEAD, "has no rows"),
    ],
)
def test_the_sample_is_taken_in_by_what_is_said_of_it(
    text: str, says: str, known: Known, tmp_path: Path
) -> None:
    sample = tmp_path / "ratings.csv"
    sample.write_text(text)

    found = wrong(asked("new_table"), known, shop_ratings=sample)

    assert any(says in each for each in found), found
    assert "goods" not in str(found), "a value of a sample is told to nobody"


def test_a_sample_that_fits_proves_it_and_none_leaves_a_doubt(known: Known, tmp_path: Path) -> None:
    sample = tmp_path / "ratings.csv"
    sample.write_text(HEAD + GOOD)

    assert told(asked("new_table"), known, shop_ratings=sample) == []
    assert "types and key are not proved" in told(asked("new_table"), known)[0]


def test_two_open_requests_about_one_thing_are_told_of_each_other(
    instance: Instance,
) -> None:
    desk = Desk.of(instance)
    other = desk.create(asked("attribute"), "Somebody")
    assert not any(other.id in each for each in told(asked("attribute"), known_of(instance)))
    desk.say(other.id, "submitted", "Somebody")

    found = told(asked("attribute"), known_of(instance))

    assert any(f"{other.id} (Returns per basket" in each for each in found), found


def test_what_is_wrong_is_not_handed_in_and_what_is_right_is_once(
    instance: Instance, known: Known
) -> None:
    desk = Desk.of(instance)
    begun = desk.create(asked("attribute", attribute__formula="max(nothing)"), "Jordan Blake")
    with pytest.raises(NotSound, match="Customer attribute, Formula: names nothing") as refused:
        submit(desk, begun.id, "Jordan Blake", known)
    assert refused.value.findings
    assert desk.read(begun.id).status == "draft"
    desk.save(begun.id, asked("attribute") | {"activity": {"event": "half"}}, begun.version)

    handed_in = submit(desk, begun.id, "Jordan Blake", known)

    assert handed_in.status == "submitted"
    assert "activity" not in handed_in.content, "what was not asked for is not handed in"
    with pytest.raises(RequestWrong, match="handed in before"):
        submit(desk, begun.id, "Jordan Blake", known)


def test_it_can_be_asked_back_about_answered_and_closed(instance: Instance, known: Known) -> None:
    desk = Desk.of(instance)
    begun = desk.create(asked("attribute"), "Jordan Blake")
    submit(desk, begun.id, "Jordan Blake", known)

    ask_back(desk, begun.id, "Dana Weiss", "Of which shops?")
    submit(desk, begun.id, "Jordan Blake", known)
    close(desk, begun.id, "Dana Weiss", "It is there already.")

    said = [(each["status"], each.get("note")) for each in desk.read(begun.id).content["history"]]
    assert said[1:] == [
        ("submitted", None),
        ("questions", "Of which shops?"),
        ("submitted", None),
        ("closed", "It is there already."),
    ]
    with pytest.raises(RequestWrong, match="is closed"):
        ask_back(desk, begun.id, "Dana Weiss", "Really?")


def test_a_slot_closes_on_the_thursday_before_at_five(instance: Instance) -> None:
    import datetime as dt

    slot = dt.datetime(2026, 11, 24, 15, tzinfo=instance.time_zone)
    thursday = dt.datetime(2026, 11, 19, 17, tzinfo=instance.time_zone)

    assert closes(slot.date(), slot) == thursday
    assert next_tuesday(slot, thursday) == dt.date(2026, 11, 24)
    assert next_tuesday(slot, thursday + dt.timedelta(minutes=1)) == dt.date(2026, 12, 8)
