"""What a request declares is read strictly, and counted from release to release."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.comparison.expected import Expected, Request, merged, read_requests, released
from flows.errors import RequestWrong

GIFT_CARDS = """
title: Gift cards count as sales
expects:
  attributes:
    net_sales_365d: {share_at_most: 0.08, share_at_least: 0.01, why: Gift cards count as sales}
  campaigns:
    vip_thank_you_letter: {joined_at_most: 0.1}
  relations: [marts.rfm_cut_points]
  columns: {new: [gift_card_share]}
"""


def write(folder: Path, **requests: str) -> Path:
    """A folder of requests."""
    folder.mkdir()
    for name, text in requests.items():
        (folder / f"{name}.yml").write_text(text)
    return folder


def declared(after: Path, before: Path) -> Expected:
    """What the requests between two releases declare together."""
    return merged(each.expects for each in released(after, before).values())


def test_what_a_request_expects_is_read_and_the_rest_ignored(tmp_path: Path) -> None:
    found = read_requests(write(tmp_path / "a", gift_cards=GIFT_CARDS, words="title: Only words"))
    assert found["words.yml"] == Request(title="Only words")
    gift = found["gift_cards.yml"].expects
    assert gift.attributes["net_sales_365d"].share_at_most == 0.08
    assert gift.columns.new == ("gift_card_share",)


def test_only_requests_that_came_since_count(tmp_path: Path) -> None:
    old = write(tmp_path / "old", gift_cards=GIFT_CARDS, mended="expects: {relations: [a.b]}")
    new = write(
        tmp_path / "new",
        gift_cards=GIFT_CARDS.replace("title: Gift", "title: The gift"),
        mended="expects: {relations: [a.c]}",
        added="expects: {relations: [a.d], customers: {gone_at_most: 0.01}}",
    )
    found = declared(new, old)
    assert found.relations == ("a.c", "a.d")
    assert found.customers.gone_at_most == 0.01
    assert not found.attributes
    assert declared(new, tmp_path / "nothing").attributes


def test_requests_for_the_same_attribute_add_up(tmp_path: Path) -> None:
    other = "expects: {attributes: {net_sales_365d: {share_at_most: 0.97, why: Rounding}}}"
    folder = write(tmp_path / "a", gift_cards=GIFT_CARDS, rounding=other)
    found = declared(folder, tmp_path / "nothing").attributes["net_sales_365d"]
    assert (found.share_at_most, found.share_at_least) == (1.0, 0.01)
    assert found.why == "Gift cards count as sales; Rounding"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("expects: {atributes: {}}", "expects.atributes"),
        ("expects: {attributes: {a: {share_at_most: 8, why: w}}}", "attributes.a.share_at_most"),
        ("expects: {attributes: {a: {share_at_most: 0.1}}}", "expects.attributes.a.why"),
        ("expects: {attributes: {a: {share_at_most: 0.1, share_at_least: 0.2, why: w}}}", "than"),
        ("expects: [a", "no YAML"),
        ("title: {a: b}", "wrong at title"),
        ("just words", "says nothing"),
    ],
)
def test_what_is_wrong_is_refused_by_file_and_key(text: str, key: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "a", wrong=text)
    with pytest.raises(RequestWrong) as stopped:
        read_requests(folder)
    assert "wrong.yml" in str(stopped.value)
    assert key in str(stopped.value)
