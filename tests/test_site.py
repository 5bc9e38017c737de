"""The documentation site, as a reader's browser shows it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import World

QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=10000",
]


@pytest.fixture(scope="module")
def chromium() -> str:
    """The browser of the machine."""
    found = shutil.which("chromium")
    if found is None:
        reason = "there is no Chromium here: apt-get install chromium"
        if os.environ.get("SCV_TEST_REQUIRE"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def shown(chromium: str, tmp_path: Path, address: str) -> str:
    """The page as it stands when its scripts have run."""
    where = f"--user-data-dir={tmp_path / 'profile'}"
    command = [chromium, *QUIET, where, "--dump-dom", address]
    return subprocess.run(command, capture_output=True, text=True, timeout=120).stdout


def site(world: World) -> Path:
    """The site that `make run` built."""
    return world.warehouse.parent / "site"


def test_the_overview_says_where_to_click(world: World, chromium: str, tmp_path: Path) -> None:
    page = shown(chromium, tmp_path, f"file://{site(world)}/index.html")
    assert "A single customer view, every morning" in page
    for target in ("contracts.html", "lineage.html", "predictions.html", "nights/index.html"):
        assert f'href="{target}"' in page
        assert (site(world) / target).is_file()


def test_a_source_page_shows_its_policy(world: World, chromium: str, tmp_path: Path) -> None:
    address = f"file://{site(world)}/index.html#!/source/source.scv.raw.consents"
    page = shown(chromium, tmp_path, address)
    assert "hold_dependent" in page
    assert "Data protection officer" in page
    assert "capture_source" in page


def test_the_page_of_the_view_describes_every_column(
    world: World, chromium: str, tmp_path: Path
) -> None:
    address = f"file://{site(world)}/index.html#!/model/model.scv.single_customer_view"
    page = shown(chromium, tmp_path, address)
    for column in ("net_sales_365d", "contactable_email", "micro_segment_id", "stale_sources"):
        assert column in page


def test_the_contracts_page_says_what_happens_when_a_table_does_not_come(world: World) -> None:
    page = (site(world) / "contracts.html").read_text()
    assert "If it does not come: <b>hold_dependent</b>" in page
    assert "Writing to someone who said no yesterday" in page


def test_a_contract_says_which_attributes_and_campaigns_hang_on_it(world: World) -> None:
    page = (site(world) / "contracts.html").read_text()
    coupons = page[page.index('<h2 id="coupon_redemptions">') : page.index('<h2 id="dispatches">')]
    assert 'href="lineage.html#campaign-coupon_lovers_email"' in coupons
    assert "win_back_email" not in coupons
    sales = page[page.index('<h2 id="transactions">') :]
    assert '<a href="lineage.html#last_order_date">' in sales


def test_the_lineage_page_has_every_attribute_with_raw_columns_and_campaigns(world: World) -> None:
    page = (site(world) / "lineage.html").read_text()
    assert page.count('<tr id="') > 113
    row = page[page.index('<tr id="top_brand_365d">') :].split("</tr>")[0]
    assert "products (brand)" in row
    assert 'href="#campaign-own_brand_letter"' in row


def test_the_pages_of_a_night_link_to_lineage_that_is_there(world: World) -> None:
    reports = world.warehouse / "demo" / "reports"
    assert 'href="lineage.html"' in (reports / "contracts.html").read_text()
    assert (reports / "lineage.html").is_file()


def test_a_night_has_a_page_with_its_checks(world: World) -> None:
    page = (site(world) / "nights" / "2017-11-21.html").read_text()
    assert "store_news_email" in page
    assert "compound columns to be unique" in page


def test_no_page_asks_another_host_for_anything(world: World) -> None:
    for page in [*site(world).glob("[clp]*.html"), *site(world).glob("nights/*.html")]:
        assert "http://" not in page.read_text()
        assert "https://" not in page.read_text()
