"""`scv request`, as a person types it, and what it puts on paper."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.desk.pdf import pdf_of
from flows.desk.request import KINDS
from flows.desk.store import Desk
from flows.settings import Instance
from tests.conftest import Answer
from tests.desk.asked import asked, file_of

Scv = Callable[..., Answer]
WHO = ("--who", "Jordan Blake")


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_request_has_every_field_and_says_what_it_asks_for(
    kind: str, instance: Instance, scv: Scv
) -> None:
    answer = scv("request", "new", "--kind", kind, "--title", "Something: new", *WHO)

    assert answer.code == 0, answer.err
    begun = Desk.of(instance).documents()[-1]
    assert f"scv request check {begun.id}" in answer.out
    text = begun.path.read_text()
    assert "# Business reason (required)" in text
    assert set(KINDS) & set(begun.content) == {kind}
    assert begun.content["title"] == "Something: new"
    checked = scv("request", "check", begun.id)
    assert checked.code == 1
    assert "Business reason: is not answered yet" in checked.out


def test_from_a_file_to_the_list(instance: Instance, scv: Scv) -> None:
    assert "Product pages per visit" in scv("request", "list").out
    assert scv("request", "check", str(file_of("attribute"))).code == 0

    assert "CR-" in scv("request", "new", "--from", str(file_of("attribute")), *WHO).out
    number = Desk.of(instance).documents()[-1].id
    assert scv("request", "submit", number, *WHO).code == 0
    assert "Of which year?" not in scv("request", "show", number).out
    assert scv("request", "ask", number, "Of which year?", "--who", "Dana Weiss").code == 0

    shown = scv("request", "show", number).out
    assert "Of which year?" in shown
    assert "Formula: max(refund_amount)" in shown
    (told,) = [r for r in json.loads(scv("request", "list", "--json").out) if r["id"] == number]
    assert (told["status"], told["kinds"]) == ("questions", ["attribute"])
    assert scv("request", "close", number, *WHO, "--why", "Done otherwise.").code == 0
    assert number not in scv("request", "list").out
    assert number in scv("request", "list", "--all").out


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("show", "CR-9999"), 2, "There is no request CR-9999"),
        (("new", "--kind", "wish", "--title", "x", *WHO), 2, "There is no kind wish"),
        (("new", *WHO), 2, "say --kind and --title, or --from FILE"),
        (("check", "nowhere.yml"), 1, "There is no file nowhere.yml"),
        (("accept", "CR-9999", *WHO, "--why", " "), 2, "a year on somebody asks"),
    ],
)
def test_what_cannot_be_done_is_told(
    arguments: tuple[str, ...], code: int, says: str, instance: Instance, scv: Scv
) -> None:
    answer = scv("request", *arguments)

    assert answer.code == code, answer.err
    assert says in answer.err


def test_it_is_put_on_paper_filled_in_or_empty(
    instance: Instance, scv: Scv, tmp_path: Path
) -> None:
    form, paper = tmp_path / "form.pdf", tmp_path / "request.pdf"
    Desk.of(instance).create(asked("new_table"), "Jordan Blake")
    number = Desk.of(instance).documents()[-1].id

    assert scv("request", "pdf", "--to", str(form)).code == 0
    assert scv("request", "pdf", number, "--to", str(paper)).code == 0

    for path in (form, paper):
        assert path.read_bytes().startswith(b"%PDF-")


def test_what_is_typed_is_never_markup_to_the_typesetter() -> None:
    nasty = '#read("/etc/passwd") $x$ *bold* <label> @ref \\ #import "x" "quotes" ]] }} \u202e'
    content = asked("attribute", title=nasty, reason=nasty, notes=nasty)
    content["attribute"]["examples"][0]["expected"] = nasty

    assert pdf_of(content).startswith(b"%PDF-")


@pytest.mark.parametrize(
    "content", [{}, {"id": "CR-0001", "kinds": ["attribute"], "attribute": "x"}]
)
def test_a_draft_that_is_half_typed_is_put_on_paper_too(content: dict[str, object]) -> None:
    assert pdf_of(content).startswith(b"%PDF-")
