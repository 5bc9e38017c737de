"""What a request may say: the model's own rules, told in the words of the form."""

from __future__ import annotations

from typing import Any

import pytest

from flows.desk.fields import Question, questions
from flows.desk.findings import read
from flows.desk.request import KINDS, ChangeRequest
from tests.desk.asked import KINDS as NAMES
from tests.desk.asked import asked


def told(content: dict[str, Any]) -> dict[str, str]:
    """What is wrong, by the place as the form calls it."""
    return {each.place: each.says for each in read(content)[1]}


@pytest.mark.parametrize("kind", NAMES)
def test_the_example_of_a_kind_is_complete(kind: str) -> None:
    request, found = read(asked(kind))

    assert not found
    assert request is not None
    assert list(request.asked) == [kind]


def test_each_kind_has_its_questions_and_every_question_a_title() -> None:
    assert tuple(KINDS) == NAMES

    def titles(among: tuple[Question, ...]) -> list[str]:
        return [each.title for each in among] + [t for each in among for t in titles(each.fields)]

    assert all(titles(questions()))
    parts = {each.name: each for each in questions()}
    for kind in NAMES:
        assert parts[kind].fields[-1].widget == "sheet", "examples come last"


def test_what_is_missing_is_told_where_it_stands_on_the_form() -> None:
    content = asked("new_table")
    del content["title"], content["new_table"]["columns"][2]["meaning"]

    assert told(content) == {
        "Title": "is not answered yet",
        "New table, Columns 3, Meaning": "is not answered yet",
    }


def test_an_empty_field_is_not_answered() -> None:
    assert told(asked("attribute", title=None, reason=None)) == {
        "Title": "is not answered yet",
        "Business reason": "is not answered yet",
    }


@pytest.mark.parametrize(
    ("kind", "changes", "place", "says"),
    [
        ("attribute", {"about_consent": True}, "The request", "names its privacy approver"),
        ("attribute", {"wanted_on": "2017-12-06"}, "The request", "releases are on Tuesdays"),
        ("attribute", {"kinds": ["attribute", "activity"]}, "The request", "nothing is said"),
        ("attribute", {"asked_by_email": "nobody"}, "Your e-mail", "email"),
        ("attribute", {"attribute__name": "Big Spender"}, "Customer attribute, Name", "lower case"),
        ("attribute", {"attribute__data_type": "float"}, "Customer attribute, Type", "no type"),
        ("attribute", {"attribute__window_column": None}, "Customer attribute", "a window has"),
        ("new_table", {"new_table__key": ["nothing"]}, "New table", "none of the columns"),
        ("new_table", {"new_table__format": None}, "New table", "files have a format"),
        ("new_table", {"new_table__examples": [{}]}, "New table, Examples", "at least 3 rows"),
        (
            "new_table",
            {"new_table__rows_a_day_high": 0},
            "New table, Rows a day, at most",
            "is 1 at least",
        ),
        ("columns", {"columns__history": "redelivered"}, "Columns to an existing table", "from a"),
        ("purchases", {"purchases__reconciliation": []}, "Purchase history, Reconciliation", "2"),
        ("purchases", {"nonsense": 1}, "nonsense", "no field of a request"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(
    kind: str, changes: dict[str, Any], place: str, says: str
) -> None:
    found = told(asked(kind, **changes))

    assert says in found[place], found


def test_examples_say_what_is_expected_and_all_have_the_same_columns() -> None:
    rows = [{"customer_id": str(n), "x": "1"} for n in range(3)]

    found = told(asked("attribute", attribute__examples=rows))
    assert "no column 'expected'" in found["Customer attribute"]
    odd = [{**row, "expected": "1"} for row in rows] + [{"customer_id": "9", "expected": ""}]
    found = told(asked("attribute", attribute__examples=odd))
    assert "the same columns" in found["Customer attribute"]


def test_a_part_that_is_not_asked_for_is_not_handed_in() -> None:
    content = asked("attribute") | {"activity": asked("activity")["activity"]}

    assert "filled in, and not asked for" in told(content)["The request"]


def test_its_file_is_named_by_its_number_and_its_title() -> None:
    request = ChangeRequest.model_validate(
        asked("attribute", title="Größe: 50 % / ../../etc, & more")
    )

    assert request.file_name == "CR-0042-gr-e-50-etc-more.yml"
