"""Who cannot see the form, or sees it otherwise: labels, headings, landmarks, contrast, names."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.web.asked import fields
from tests.web.conftest import Served

Open = Callable[..., Page]
KINDS: Any = ["new_table", "columns", "attribute", "activity", "purchases"]
PAGES = {
    "list": "/",
    "new": "/requests/new",
    "wrong": "/requests/CR-0001?look=true",
    "read": "/requests/CR-0002",
    "nothing": "/nowhere",
}
# The background that is seen behind an element, and the contrast of its text with it.
CONTRAST = """() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
  const behind = (each) => {
    for (; each; each = each.parentElement) {
      const colour = parts(getComputedStyle(each).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const each of document.querySelectorAll("body *")) {
    const own = [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const box = each.getBoundingClientRect();
    if (!own && !["INPUT", "SELECT", "TEXTAREA"].includes(each.tagName)) continue;
    if (box.width < 2 || box.height < 2 || each.closest(".skip")) continue;
    const [a, b] = [light(parts(getComputedStyle(each).color)), light(behind(each))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) poor.push(`${each.outerHTML.slice(0, 90)}: ${contrast.toFixed(2)}`);
  }
  return poor;
}"""
UNNAMED = """() => [...document.querySelectorAll("input, select, textarea, button, a")]
  .filter((each) => each.type !== "hidden" && each.getAttribute("aria-hidden") !== "true")
  .filter((each) => !(each.labels?.length && each.labels[0].textContent.trim())
    && !(["A", "BUTTON"].includes(each.tagName) && each.textContent.trim()))
  .map((each) => each.outerHTML.slice(0, 120))"""
TWICE = """() => {
  const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
  return ids.filter((id, n) => ids.indexOf(id) !== n);
}"""
POINTS_NOWHERE = """() => [...document.querySelectorAll("*")]
  .flatMap((each) => ["aria-describedby", "aria-labelledby", "for", "list"]
    .flatMap((name) => (each.getAttribute(name) || "").split(" ")))
  .filter((id) => id && !document.getElementById(id))"""
LINKS = """() => [...document.querySelectorAll('a[href^="#"]')]
  .map((each) => each.getAttribute("href")).filter((href) => !document.querySelector(href))"""
HEADINGS = """() => [...document.querySelectorAll("h1, h2, h3, h4")]
  .filter((each) => each.checkVisibility()).map((each) => Number(each.tagName[1]))"""


@pytest.fixture
def filled(served: Served) -> Served:
    """A draft with every kind and with errors, and a request that was handed in."""
    rows: Any = {"new_table__columns__0__name": "Visit id", "expects__attributes__0__name": "x"}
    served.begin(**{**fields(), **rows, "kinds": KINDS})  # type: ignore[arg-type]
    number = served.begin(**fields())  # type: ignore[arg-type]
    served.desk.say(number, "submitted", "jordan")
    return served


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page_name", PAGES)
def test_every_text_stands_out_from_what_is_behind_it(
    filled: Served, open_page: Open, page_name: str, scheme: str
) -> None:
    page = open_page(filled.url + PAGES[page_name], color_scheme=scheme)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(20, 24, 28)") == (scheme == "dark")
    assert page.evaluate(CONTRAST) == []


@pytest.mark.parametrize("page_name", PAGES)
def test_every_field_has_a_name_and_every_reference_leads_somewhere(
    filled: Served, open_page: Open, page_name: str
) -> None:
    page = open_page(filled.url + PAGES[page_name])
    assert page.evaluate(UNNAMED) == []
    assert page.evaluate(TWICE) == []
    assert page.evaluate(POINTS_NOWHERE) == []
    assert page.evaluate(LINKS) == []


@pytest.mark.parametrize("page_name", PAGES)
def test_headings_and_landmarks_tell_how_a_page_is_made(
    filled: Served, open_page: Open, page_name: str
) -> None:
    page = open_page(filled.url + PAGES[page_name])
    levels = page.evaluate(HEADINGS)
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for role in ("main", "banner", "navigation"):
        assert page.get_by_role(role).count() >= 1  # type: ignore[arg-type]
    assert page.title()
    assert page.locator("html").get_attribute("lang") == "en"


def test_the_first_stop_of_the_keyboard_leads_past_the_navigation(
    served: Served, open_page: Open
) -> None:
    page = open_page(f"{served.url}/requests/new")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Go to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_what_has_the_focus_is_seen_and_not_covered(served: Served, open_page: Open) -> None:
    page = open_page(f"{served.url}/requests/new", viewport={"width": 390, "height": 700})
    page.locator('[name="title"]').focus()
    for _ in range(25):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            """() => {
              const each = document.activeElement, box = each.getBoundingClientRect();
              if (each.closest(".bar") || box.width < 2) return true;
              const bar = document.querySelector(".bar").getBoundingClientRect();
              const style = getComputedStyle(each);
              return box.top < bar.top && style.outlineStyle !== "none";
            }"""
        )
        assert seen, page.evaluate("document.activeElement.outerHTML")


def test_a_form_on_paper_has_no_buttons(served: Served, open_page: Open) -> None:
    page = open_page(f"{served.url}/requests/new")
    page.emulate_media(media="print")
    expect(page.locator(".bar")).to_be_hidden()
    expect(page.locator("#upload")).to_be_hidden()
    expect(page.locator('[name="title"]')).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("page_name", PAGES)
def test_axe_finds_nothing(filled: Served, open_page: Open, page_name: str, width: int) -> None:
    """Wants axe-core, which is not kept here: SCV_TEST_AXE names its axe.min.js."""
    told = os.environ.get("SCV_TEST_AXE")
    if not told:
        pytest.skip("SCV_TEST_AXE names no axe.min.js")
    page = open_page(filled.url + PAGES[page_name], viewport={"width": width, "height": 800})
    page.evaluate(Path(told).read_text())
    found = page.evaluate("axe.run()")["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
