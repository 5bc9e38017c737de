"""The documentation site, as a reader's browser shows it."""

from __future__ import annotations

from pathlib import Path

from tests.browser import shown, site
from tests.conftest import World


def test_the_overview_says_where_to_click(world: World, chromium: str, tmp_path: Path) -> None:
    page = shown(chromium, tmp_path, f"file://{site(world)}/models.html")
    assert "A single customer view, every morning" in page
    for target in (
        *("builds/index.html", "attributes.html", "contracts.html"),
        *("predictions.html", "nights/index.html"),
        *("runbooks/index.html", "releases/index.html"),
    ):
        assert f'href="{target}"' in page
        assert (site(world) / target).is_file()


def test_the_front_door_leads_to_every_room(world: World) -> None:
    page = (site(world) / "index.html").read_text()
    assert "2017-11-21-01" in page
    for target in (
        *("builds/index.html", "attributes.html", "contracts.html", "models.html", "search.html"),
        *("requests/index.html", "releases/index.html", "nights/index.html", "runbooks/index.html"),
    ):
        assert f'href="{target}"' in page or f'action="{target}"' in page
        assert (site(world) / target).is_file()


def test_a_search_finds_what_is_meant_first_and_its_link_can_be_sent(
    world: World, chromium: str, tmp_path: Path
) -> None:
    page = shown(chromium, tmp_path, f"file://{site(world)}/search.html#q=last_order_date")
    hits = page[page.index('class="hits"') :]
    assert hits.index('href="attributes.html#last_order_date"') < 300
    nothing = shown(chromium, tmp_path, f"file://{site(world)}/search.html#q=xyzzy")
    assert "0 found" in nothing
    of_request = shown(chromium, tmp_path, f"file://{site(world)}/search.html#q=survey%20answers")
    assert 'href="requests/CR-0001.html"' in of_request


def test_what_was_done_with_a_field_stands_beside_it(world: World) -> None:
    entry = (site(world) / "attributes.html").read_text()
    entry = entry[entry.index('id="product_views_per_visit_30d"') :].split("</article>")[0]
    assert 'href="requests/CR-0003.html"' in entry
    contracts = (site(world) / "contracts.html").read_text()
    assert 'href="requests/CR-0002.html"' in contracts
    page = (site(world) / "requests" / "CR-0003.html").read_text()
    for said in ("Jordan Blake", "Dana Weiss", "live on production", "sum(product_view_count)"):
        assert said in page


def test_a_source_page_shows_its_policy(world: World, chromium: str, tmp_path: Path) -> None:
    address = f"file://{site(world)}/models.html#!/source/source.scv.raw.consents"
    page = shown(chromium, tmp_path, address)
    assert "hold_dependent" in page
    assert "Data protection officer" in page
    assert "capture_source" in page


def test_the_page_of_the_view_describes_every_column(
    world: World, chromium: str, tmp_path: Path
) -> None:
    address = f"file://{site(world)}/models.html#!/model/model.scv.single_customer_view"
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
    assert 'href="attributes.html#campaign-coupon_lovers_email"' in coupons
    assert "win_back_email" not in coupons
    sales = page[page.index('<h2 id="transactions">') :]
    assert '<a href="attributes.html#last_order_date">' in sales


def test_the_dictionary_has_every_attribute_with_raw_columns_and_campaigns(world: World) -> None:
    page = (site(world) / "attributes.html").read_text()
    assert page.count('<article id="') > 113
    entry = page[page.index('<article id="top_brand_365d">') :].split("</article>")[0]
    assert "products (brand)" in entry
    assert 'href="#campaign-own_brand_letter"' in entry
    assert '<tr id="campaign-own_brand_letter">' in page
    assert "National" in entry
    hidden = page[page.index('<article id="email_norm">') :].split("</article>")[0]
    assert "values are not shown" in hidden


def test_the_pages_of_a_night_link_to_a_dictionary_that_is_there(world: World) -> None:
    reports = world.warehouse / "demo" / "reports"
    assert 'href="attributes.html"' in (reports / "contracts.html").read_text()
    assert (reports / "attributes.html").is_file()
    assert 'href="../builds/index.html"' in (reports / "nights" / "index.html").read_text()


def test_a_night_has_a_page_with_its_checks(world: World) -> None:
    page = (site(world) / "nights" / "2017-11-21.html").read_text()
    assert "store_news_email" in page
    assert "compound columns to be unique" in page


def test_no_page_asks_another_host_for_anything(world: World) -> None:
    for page in [*site(world).glob("[aclp]*.html"), *site(world).glob("*/*.html")]:
        assert "http://" not in page.read_text()
        assert "https://" not in page.read_text()
