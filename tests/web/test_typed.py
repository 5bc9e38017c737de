"""What is typed becomes a document, and the document becomes what was typed: nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from flows.desk.fields import Question, questions
from flows.desk.findings import Finding, read
from flows.desk.store import written
from flows.web import progress
from flows.web.parts import sections, tell
from flows.web.sheets import NotASheet, rows_of, text_of
from flows.web.shown import Shown, shown
from flows.web.typed import clean, document_of, number_of, tree_of
from tests.web.asked import EXAMPLES, TYPED

TYPED_ODDLY = st.sampled_from("\t\n\r,;\"'<&: #-\u2028é")
TEXT = st.text(st.characters(codec="utf-8") | TYPED_ODDLY, max_size=25)
PLAIN = ("line", "long", "number", "whole", "date", "clock", "sheet", "list")


def names(asked: Sequence[Question] = questions(), place: str = "") -> Iterator[tuple[str, str]]:
    """Every input of the form with its widget, two rows of each table."""
    for each in asked:
        name = f"{place}{each.name}"
        if each.widget == "group":
            yield from names(each.fields, f"{name}.")
        elif each.widget in ("rows", "named"):
            for row in ("0", "7"):
                if each.widget == "named":
                    yield f"{name}.{row}.name", "line"
                yield from names(each.fields, f"{name}.{row}.")
        elif each.widget != "files":
            yield name, each.widget


def sent(fields: Sequence[Shown]) -> Iterator[tuple[str, str]]:
    """What a browser sends of a form that is shown."""
    for each in fields:
        yield from sent(each.fields)
        for row in each.rows:
            yield from sent(row.fields)
        for value in each.chosen:
            yield each.name, value
        if not (each.fields or each.rows or each.question.widget in ("choices", "files")):
            yield each.name, each.text.replace("\n", "\r\n")


def pairs(typed: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (name, text)
        for name, texts in typed.items()
        for text in (texts if isinstance(texts, list) else [texts])
    ]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_is_typed_stands_there_again_when_a_draft_is_opened(data: st.DataObject) -> None:
    among = [each for each in names() if each[1] in PLAIN]
    chosen = data.draw(st.lists(st.sampled_from(among), unique=True, max_size=12))
    typed = {name: data.draw(TEXT) for name, _ in chosen}
    document = document_of(tree_of(typed.items()), {})
    kept = YAML(typ="safe", pure=True).load(written(document))
    again = list(sent(shown(kept, {})))
    assert document_of(tree_of(again), {}) == kept
    here = {text.replace("\r\n", "\n") for _, text in again}
    for name, widget in chosen:
        text = clean(typed[name])
        is_key = re.search(r"expects\.(attributes|campaigns)\.\d\.name", name)
        if text.strip() and widget not in ("list", "sheet"):
            as_it_is = widget in ("line", "long") and not is_key
            assert (text if as_it_is else text.strip()) in here, name


def test_a_whole_request_is_typed_into_a_valid_one() -> None:
    document = document_of(tree_of(pairs(TYPED)), {}) | {"id": "CR-0001"}
    request, findings = read(document)
    assert not findings
    assert request is not None
    assert request.attribute is not None and len(request.attribute.examples) == 4
    assert request.attribute.window_days == 30


def test_every_question_of_the_model_is_in_the_form_once_and_files_are_last() -> None:
    parts = sections(shown({}, {}))
    on_form = [name for part in parts for name, _ in sent(part.fields)]
    assert sorted(on_form) == sorted(
        name for name, widget in names() if ".7." not in name and widget != "choices"
    )
    assert parts[-1].key == "files"


def test_a_row_that_is_empty_is_left_out_and_the_others_keep_their_order() -> None:
    tree = tree_of(
        [
            ("new_table.columns.10.name", "late"),
            ("new_table.columns.2.name", "early"),
            ("new_table.columns.5.name", "  "),
            ("new_table.columns.5.may_be_empty", ""),
        ]
    )
    names_of = [row["name"] for row in document_of(tree, {})["new_table"]["columns"]]
    assert names_of == ["early", "late"]


def test_two_rows_with_one_name_are_both_kept_and_told() -> None:
    tree = tree_of(
        [
            ("expects.attributes.0.name", "churn"),
            ("expects.attributes.0.why", "first"),
            ("expects.attributes.1.name", "churn"),
            ("expects.attributes.1.why", "second"),
        ]
    )
    document = document_of(tree, {})
    assert [row["why"] for row in document["expects"]["attributes"]] == ["first", "second"]
    texts = [text for _, text in sent(shown(document, {}))]
    assert "first" in texts and "second" in texts
    assert [each.where for each in read(document)[1] if "attributes" in each.where]


def test_what_the_form_does_not_ask_for_stays_in_the_document() -> None:
    before = {"released": [{"instance": "qa"}], "title": "old"}
    document = document_of(tree_of([("title", "new")]), before)
    assert document == {"released": [{"instance": "qa"}], "title": "new"}


def test_a_finding_stands_at_its_field_or_at_what_is_around_it() -> None:
    content = {"expects": {"attributes": {"churn": {"why": ""}}}, "kinds": ["columns"]}
    fields = shown(content, {})
    told = tell(
        fields,
        [
            Finding("expects.attributes.churn.share_at_most", "one"),
            Finding("expects.attributes.nobody", "two"),
            Finding("kinds.7", "three"),
            Finding("", "four"),
        ],
    )
    assert {name: [each.says for each in found] for name, found in told.at.items()} == {
        "expects.attributes.0.share_at_most": ["one"],
        "expects.attributes": ["two"],
        "kinds": ["three"],
    }
    assert [each.says for each in told.loose] == ["four"]


def test_what_is_left_counts_only_what_is_ticked() -> None:
    assert "attribute.name" not in progress.missing({"kinds": ["columns"]})
    assert "attribute.name" in progress.missing({"kinds": ["attribute"]})
    document = document_of(tree_of(pairs(TYPED)), {})
    assert progress.missing(document) == []
    assert progress.left_out({**document, "kinds": ["columns"]}) == ["Customer attribute"]


@pytest.mark.parametrize("text", ["7", "-3", "0", "0.5", "12.25"])
def test_a_number_that_parses_is_one(text: str) -> None:
    assert str(number_of(text)) == text


@pytest.mark.parametrize("text", ["1,000", "007", "1e400", "many", "--1", "NaN", "1_000", "٣"])
def test_a_number_that_would_look_otherwise_stays_a_text(text: str) -> None:
    assert number_of(text) == text


@pytest.mark.parametrize("mark", ["\t", ",", ";"])
def test_a_sheet_is_read_as_it_was_copied(mark: str) -> None:
    rows = rows_of(EXAMPLES.replace("\t", mark))
    assert rows[0] == {
        "customer_id": "1",
        "visited_date": "2017-11-20",
        "shop": "north",
        "expected": "2",
    }
    assert rows_of(text_of(rows)) == rows


def test_a_sheet_of_a_file_is_shown_as_it_is_read() -> None:
    rows = [{"is_test": True, "score": 9, "topic": None}, {"is_test": False, "score": 1.5}]
    assert text_of(rows) == "is_test\tscore\ttopic\ntrue\t9\t\nfalse\t1.5\t"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a\tb\n1\t2\t3", "row 1 has more cells"),
        ("a\ta\n1\t2", "one name"),
        ("a\t\tb\n1\t2\t3", "empty"),
        ("a\tb", "only the line of names"),
    ],
)
def test_a_sheet_that_would_lose_something_stays_a_text(text: str, why: str) -> None:
    with pytest.raises(NotASheet, match=why):
        rows_of(text)
    document = document_of(tree_of([("attribute.examples", text)]), {})
    assert document["attribute"]["examples"] == text


def test_an_inch_mark_does_not_swallow_the_rows_below() -> None:
    assert len(rows_of('size\tname\n5" wide\ta\n"7" long\tb')) == 2
