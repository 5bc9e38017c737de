"""The search of the pages: what is in it leads somewhere, and it is small and used by keyboard."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from flows.failures import ways_to_stop
from flows.ledger import Ledger
from flows.pages import write_pages
from flows.releases import deploys
from flows.settings import Instance
from tests.browser import complaints, shown
from tests.test_runbooks import read_page

SMALL = 300_000  # bytes of the whole page


@pytest.fixture
def pages(instance: Instance, ledger: Ledger, tmp_path: Path) -> Path:
    """The pages of an instance on which one deploy was begun."""
    deploys.open_deploy(ledger, "0123456789ab", "2017-11-21-01")
    deploys.repair(ledger, "2017-11-21-01")
    write_pages(instance, ledger, tmp_path / "pages")
    return tmp_path / "pages"


def index_of(pages: Path) -> list[Any]:
    """What is in the page's index: kind, title, text, link."""
    page = (pages / "search.html").read_text()
    return list(json.loads(re.findall(r'id="index">(.*?)</script>', page)[0]))


def test_every_kind_is_in_it_and_leads_to_what_is_there(pages: Path) -> None:
    found = index_of(pages)
    kinds = {kind for kind, *_ in found}
    assert {"attribute", "raw table", "raw column", "campaign", "night", "release"} <= kinds
    assert {"runbook", "way to stop", "decision", "request"} <= kinds
    assert {title for kind, title, *_ in found if kind == "way to stop"} == set(ways_to_stop())
    anchors: dict[Path, set[str]] = {}
    for _, title, _, link in found:
        place, _, anchor = link.partition("#")
        if not place:
            continue
        target = pages / place
        assert target.is_file(), f"{title}: {link}"
        if anchor:
            if target not in anchors:
                anchors[target] = read_page(target).anchors
            assert anchor in anchors[target], f"{title}: {link}"


def test_it_is_small(pages: Path) -> None:
    assert (pages / "search.html").stat().st_size < SMALL


@pytest.mark.parametrize(
    ("typed", "link"),
    [
        ("consents.channel", "contracts.html#consents.channel"),
        ("0123456789ab", "releases/index.html#deploy-1"),
        ("2017-11-20", "nights/2017-11-20.html"),
        ("TableMissing", "runbooks/failures/TableMissing.html"),
        ("win_back_email", "attributes.html#campaign-win_back_email"),
    ],
)
def test_a_title_goes_before_what_only_mentions_it(
    typed: str, link: str, pages: Path, chromium: str, tmp_path: Path
) -> None:
    page = shown(chromium, tmp_path, f"file://{pages}/search.html#q={typed}")
    links = re.findall(r'<li><a href="([^"]*)"', page)
    assert unescape(links[0]) == link


def test_every_page_leads_to_it_and_nobody_complains(
    pages: Path, chromium: str, tmp_path: Path
) -> None:
    for page in (pages / "index.html", pages / "nights" / "index.html"):
        assert "search.html" in page.read_text()
    assert complaints(chromium, tmp_path, f"file://{pages}/search.html#q=coupon") == []
    assert "<noscript>" in (pages / "search.html").read_text()
