"""Where requests stand: numbers, versions, and what was said."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from flows.desk.accepted import read_accepted
from flows.desk.store import Desk
from flows.desk.written import written
from flows.errors import NoSuchRequest, RequestChanged, RequestWrong
from tests.desk.asked import asked


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with nothing on it."""
    return Desk(tmp_path / "desk", tmp_path / "accepted")


def test_a_draft_keeps_what_was_typed_valid_or_not(desk: Desk) -> None:
    content = asked("attribute", title="", notes="two\nlines: {with} 'signs' # and more\n")

    kept = desk.create(content, "Jordan Blake")

    read = desk.read(kept.id)
    assert read.status == "draft"
    assert {key: read.content[key] for key in content if key != "id"} == {
        key: value for key, value in content.items() if key != "id"
    }
    assert read.content["history"][0]["who"] == "Jordan Blake"


def test_numbers_go_on_where_the_project_and_the_desk_are(desk: Desk) -> None:
    desk.accepted.mkdir(parents=True)
    (desk.accepted / "CR-0007-loyalty-tier.yml").write_text(
        "title: Loyalty tier\nstatus: accepted\n"
    )

    assert desk.create({}, "A").id == "CR-0008"
    assert desk.create({}, "A").id == "CR-0009"
    assert [each.id for each in desk.documents()] == ["CR-0007", "CR-0008", "CR-0009"]


def test_drafts_that_are_begun_at_once_have_each_a_number(desk: Desk) -> None:
    begun: list[str] = []
    people = [
        threading.Thread(target=lambda: begun.append(desk.create({}, "A").id)) for _ in range(8)
    ]
    for person in people:
        person.start()
    for person in people:
        person.join()

    assert sorted(begun) == [f"CR-{number:04}" for number in range(1, 9)]


def test_nobody_writes_over_what_somebody_else_saved(desk: Desk) -> None:
    first = desk.create({"title": "one"}, "A")
    desk.save(first.id, {"title": "two"}, first.version)

    with pytest.raises(RequestChanged, match="saved by somebody else"):
        desk.save(first.id, {"title": "three"}, first.version)

    assert desk.read(first.id).title == "two"


def test_saving_changes_neither_status_nor_history(desk: Desk) -> None:
    begun = desk.create({"title": "one"}, "A")
    desk.say(begun.id, "submitted", "A")
    now = desk.read(begun.id)

    desk.save(begun.id, {"title": "two", "status": "deployed", "history": []}, now.version)

    kept = desk.read(begun.id)
    assert kept.status == "submitted"
    assert [each["status"] for each in kept.content["history"]] == ["draft", "submitted"]


def test_what_is_accepted_is_not_written_to(desk: Desk) -> None:
    desk.accepted.mkdir(parents=True)
    (desk.accepted / "CR-0007-loyalty-tier.yml").write_text(
        "title: Loyalty tier\nstatus: accepted\n"
    )

    with pytest.raises(RequestWrong, match="stands in docs/requests"):
        desk.say("CR-0007", "closed", "A")


def test_what_is_not_there_and_what_cannot_be_read_is_told(desk: Desk) -> None:
    with pytest.raises(NoSuchRequest, match="scv request list"):
        desk.read("CR-0001")
    desk.folder.mkdir(parents=True)
    for text in ("[1, 2]", "a: b: c", "\udcff"):
        (desk.folder / "CR-0001.yml").write_bytes(text.encode("utf-8", "surrogateescape"))
        with pytest.raises(RequestWrong, match=r"CR-0001\.yml"):
            desk.read("CR-0001")


@pytest.mark.parametrize(
    "text", [": é", "\n\u2028", "  two\n\n\tlines\u2028 “so” — #1  ", "- a\n- b: 0123", "x" * 300]
)
def test_whatever_somebody_typed_is_read_again_as_it_was(tmp_path: Path, text: str) -> None:
    desk = Desk(tmp_path / "desk", tmp_path / "accepted")
    content = {"notes": text, "used_by": [{"campaign": text}], "kinds": ["columns"]}
    kept = desk.read(desk.create(content, text).id).content
    assert {key: kept[key] for key in content} == content
    assert kept["history"][0]["who"] == text


def test_what_stands_in_the_project_is_whole_and_called_by_its_title(desk: Desk) -> None:
    assert [each.id for each in read_accepted()] == sorted(each.id for each in read_accepted())
    desk.accepted.mkdir(parents=True)
    path = desk.accepted / "CR-0042-returns-per-basket-that-came-back.yml"
    path.write_text(written(asked("attribute")))
    assert [each.id for each in read_accepted(desk.accepted)] == ["CR-0042"]

    path.write_text(written(asked("attribute", reason=None)))
    with pytest.raises(RequestWrong, match="Business reason: is not answered yet"):
        read_accepted(desk.accepted)
    path.write_text(written(asked("attribute", title="Otherwise")))
    with pytest.raises(RequestWrong, match=r"is called CR-0042-otherwise\.yml"):
        read_accepted(desk.accepted)
