"""The picture of a build: its figures are those of the build, and it shows nobody."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.build_pages import BUILDS_REWRITTEN, write_builds
from flows.builds import live
from flows.distributions import MOST_BUCKETS, Row, lay_beside, shift_between
from flows.drawing import histogram, in_share
from flows.ledger import Ledger
from flows.pictures import Picture, read_picture
from flows.settings import Instance
from tests.browser import complaints, shown, site
from tests.conftest import NIGHTS, PROJECT, World

LAST = "2017-11-21-01"


@pytest.fixture(scope="module")
def picture(nights: dict[date, Path]) -> Picture:
    """The picture of the last night."""
    return read_picture(nights[NIGHTS[-1]], nights[NIGHTS[-2]])


def ask(path: Path, query: str) -> list[tuple[Any, ...]]:
    """Rows of a build."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def row(low: int | None, high: int | None, count: int, kind: str = "integer") -> Row:
    """A bucket of one attribute as the model tells it; that of the unknown without edges."""
    numbers = dict.fromkeys(
        ("minimum", "quantile_10", "quantile_25", "quantile_50", "quantile_75", "quantile_90"), 0
    )
    return {
        **{name: Decimal(value) for name, value in numbers.items()},
        **{"maximum": Decimal(0), "mean": Decimal(0), "attribute": "a", "kind": kind},
        **{"value": None, "is_known": low is not None, "customer_count": count},
        **{"low_number": None if low is None else Decimal(low)},
        **{"high_number": None if high is None else Decimal(high)},
        **{"all_count": 100, "profiled_count": 100, "known_count": 100, "zero_count": 0},
        **{"value_count": None, "bucket_position": 1},
    }


def test_every_attribute_of_the_view_is_spread_over_all_customers(
    picture: Picture, nights: dict[date, Path]
) -> None:
    described = ask(nights[NIGHTS[-1]], "describe marts.single_customer_view")
    assert [each.attribute for each in picture.distributions] == [line[0] for line in described]
    for each in picture.distributions:
        assert each.unknown.today + sum(b.today for b in each.buckets) == each.all_count
        assert each.all_count == picture.customers.today


def test_what_an_attribute_is_known_of_is_counted_in_the_view(
    picture: Picture, nights: dict[date, Path]
) -> None:
    names = [each.attribute for each in picture.distributions]
    counts = ", ".join(f"count({name})" for name in names)
    known = ask(nights[NIGHTS[-1]], f"select {counts} from marts.single_customer_view")[0]
    assert {each.attribute: each.known_count for each in picture.distributions} == dict(
        zip(names, known, strict=True)
    )


def test_the_profile_of_a_number_is_that_of_its_values(nights: dict[date, Path]) -> None:
    path = nights[NIGHTS[-1]]
    for name in ("net_sales_365d", "days_since_last_order", "churn_factor", "discount_share_365d"):
        low, middle, high, mean = ask(
            path,
            f"select min({name}), quantile_disc({name}, 0.5), max({name}), avg({name}) "
            "from marts.single_customer_view",
        )[0]
        told = ask(
            path,
            "select distinct minimum, quantile_50, maximum, mean "
            f"from marts.attribute_distributions where attribute = '{name}'",
        )
        assert len(told) == 1
        assert (told[0][0], told[0][2]) == (low, high)
        assert float(told[0][3]) == pytest.approx(float(mean), abs=0.0001)
        assert float(told[0][1]) <= float(middle) < float(told[0][1]) * 1.01 + 0.001


def test_the_buckets_of_a_number_hold_what_lies_between_their_edges(
    nights: dict[date, Path],
) -> None:
    path = nights[NIGHTS[-1]]
    for name in ("net_sales_365d", "orders_lifetime", "discount_share_365d"):
        rows = ask(
            path,
            "select low_number, high_number, customer_count from marts.attribute_distributions "
            f"where attribute = '{name}' and is_known",
        )
        assert len(rows) > 4
        for low, high, count in rows:
            inside = f"{name} = {low}" if low == high else f"{name} >= {low} and {name} < {high}"
            beside = "" if low == high or low else f" and {name} <> 0"
            found = ask(
                path, f"select count(*) from marts.single_customer_view where {inside}{beside}"
            )
            assert found[0][0] == count, (name, low, high)


def test_no_value_of_a_person_stands_in_the_distributions(nights: dict[date, Path]) -> None:
    path = nights[NIGHTS[-1]]
    # The client's ids are small numbers, as are other words: of them the kind is asked below.
    names = ["first_name", "last_name", "email_norm", "phone_e164", "address_line", "city"]
    keys = ["postal_code", "scv_customer_id", "household_id"]
    personal = {
        line[0]
        for name in names + keys
        for line in ask(path, f"select distinct {name} from marts.single_customer_view")
    }
    assert len(personal) > 10_000
    shown = {
        line[0] for line in ask(path, "select distinct value from marts.attribute_distributions")
    }
    assert not shown & (personal - {None})
    births = ask(
        path,
        "select count(*) from marts.attribute_distributions where attribute in "
        "('birth_date', 'days_to_birthday', 'customer_id', 'client_customer_id') "
        "and (kind <> 'personal' or coalesce(value, cast(low_number as varchar), "
        "cast(minimum as varchar)) is not null)",
    )
    assert births[0][0] == 0


def test_stages_movements_and_segments_are_counted_once_each(
    picture: Picture, nights: dict[date, Path]
) -> None:
    today = dict(
        ask(
            nights[NIGHTS[-1]],
            "select lifecycle_stage, count(*) from marts.customer_lifecycle group by all",
        )
    )
    assert {each.name: each.today for each in picture.stages if each.today} == today
    arrived: Counter[str] = Counter()
    for (_, stage), count in picture.moves.items():
        arrived[stage] += count
    arrived.pop("no customer", None)
    assert arrived == today
    for levels in (picture.values, picture.segments):
        assert sum(level.today for level in levels) == picture.customers.today
        assert sum(level.before or 0 for level in levels) == picture.customers.before
    assert sum(cell.today for cell in picture.cells) <= picture.customers.today
    assert len(picture.cells) == 25


def test_a_build_older_than_the_tables_says_not_known(
    nights: dict[date, Path], tmp_path: Path
) -> None:
    old = tmp_path / "old.duckdb"
    shutil.copy(nights[NIGHTS[-2]], old)
    old.chmod(0o644)
    with duckdb.connect(str(old)) as connection:
        for table in (
            "attribute_distributions",
            "lifecycle_migrations",
            "micro_segment_migrations",
        ):
            connection.execute(f"drop table marts.{table}")
    beside_old = read_picture(nights[NIGHTS[-1]], old)
    assert beside_old.shifts == []
    assert all(b.before is None for each in beside_old.distributions for b in each.buckets)
    itself = read_picture(old, None)
    assert (list(itself.distributions), dict(itself.moves), list(itself.segments)) == ([], {}, [])
    assert itself.customers.today > 2000


def test_a_shift_is_the_population_stability_index() -> None:
    assert shift_between([50, 50], [50, 50]) == 0
    # (0.6 - 0.5) ln(0.6 / 0.5) + (0.4 - 0.5) ln(0.4 / 0.5)
    assert shift_between([60, 40], [50, 50]) == pytest.approx(0.040547, abs=1e-6)
    assert shift_between([100, 0], [50, 50]) > 1  # type: ignore[operator]
    assert shift_between([], []) is None


def test_rare_neighbours_are_put_together_and_zero_stands_for_itself() -> None:
    today = [row(None, None, 0), row(0, 0, 1), *(row(n, n + 1, n) for n in range(1, 30))]
    found = lay_beside(today, today)[0]
    assert len(found.buckets) == MOST_BUCKETS
    assert (found.buckets[0].label, found.buckets[0].today) == ("0", 1)
    assert found.buckets[1].label.startswith("1 to ")
    assert sum(b.today for b in found.buckets) == 1 + sum(range(1, 30))
    assert found.shift == 0


def test_edges_that_moved_are_not_compared() -> None:
    found = lay_beside([row(None, None, 0), row(0, 2, 5)], [row(None, None, 0), row(1, 3, 5)])[0]
    assert found.shift is None
    assert [b.before for b in found.buckets] == [None]


def test_what_is_drawn_says_its_figures() -> None:
    found = lay_beside([row(None, None, 3), row(10, 20, 7)], [row(None, None, 4), row(10, 20, 6)])[
        0
    ]
    drawn = histogram(found)
    assert "<title>10 to 19: 7, yesterday 6</title>" in drawn
    assert "<title>not known: 3, yesterday 4</title>" in drawn
    assert in_share(1, 10_000) == "< 0.1 %"
    assert in_share(0, 10) == "0 %"


def test_each_build_has_a_page_and_the_index_leads_to_it(world: World) -> None:
    folder = site(world) / "builds"
    index = (folder / "index.html").read_text()
    for day in NIGHTS:
        assert f'<a href="{day}-01.html">' in index
        assert "<svg" in (folder / f"{day}-01.html").read_text()
    assert "published, live" in index
    reports = world.warehouse / "demo" / "reports"
    assert (reports / "builds" / f"{LAST}.html").is_file()
    assert (reports / "attributes.html").is_file()


def test_a_page_says_what_moved_and_by_which_measure(world: World, picture: Picture) -> None:
    page = (site(world) / "builds" / f"{LAST}.html").read_text()
    assert "population stability index" in page
    assert f'<a href="#{picture.shifts[0].attribute}">' in page
    for stage in picture.stages:
        assert f"<td>{stage.label}</td>" in page
    assert page.count('<figure class="card"') == len(picture.distributions)
    assert "2017-11-20-01" in page


def test_no_page_shows_a_person(world: World, nights: dict[date, Path]) -> None:
    people = ask(
        nights[NIGHTS[-1]],
        "select email_norm, phone_e164, address_line, scv_customer_id "
        "from marts.single_customer_view",
    )
    pages = [*site(world).glob("builds/*.html"), site(world) / "attributes.html"]
    words = set(re.findall(r"[\w.+@-]+", " ".join(page.read_text() for page in pages)))
    assert not words & {value for line in people for value in line if value}


def test_older_pages_are_not_written_again(
    instance: Instance, ledger: Ledger, tmp_path: Path
) -> None:
    write_builds(instance, ledger, tmp_path)
    pages = sorted(tmp_path.glob("2*.html"))
    assert len(pages) == len(NIGHTS)
    for page in pages:
        page.write_text("as it was")
    write_builds(instance, ledger, tmp_path)
    kept = [page.read_text() == "as it was" for page in pages]
    assert kept == [True] * (len(NIGHTS) - BUILDS_REWRITTEN) + [False] * BUILDS_REWRITTEN


def test_a_build_that_cannot_be_read_stops_no_page(
    instance: Instance, ledger: Ledger, tmp_path: Path
) -> None:
    path = live.path_of(instance, "2017-11-20-01")
    path.unlink()
    path.write_bytes(b"no database")
    write_builds(instance, ledger, tmp_path)
    assert not (tmp_path / "2017-11-20-01.html").exists()
    assert "<td>2017-11-20-01</td>" in (tmp_path / "index.html").read_text()
    assert "yesterday's build has no distributions" in (tmp_path / f"{LAST}.html").read_text()


def test_a_word_in_the_address_finds_attributes(
    world: World, chromium: str, tmp_path: Path
) -> None:
    for question in ("?q=coupon+redeemed", "#q=coupon%20redeemed"):
        page = shown(chromium, tmp_path, f"file://{site(world)}/attributes.html{question}")
        articles = re.findall(r'<article id="(\w+)"( hidden="")?', page)
        visible = {name for name, hidden in articles if not hidden}
        assert "coupons_redeemed_90d" in visible
        assert "net_sales_365d" not in visible
        assert f"{len(visible)} of {len(articles)}" in page


def test_without_a_word_every_attribute_is_there(
    world: World, chromium: str, tmp_path: Path, picture: Picture
) -> None:
    page = shown(chromium, tmp_path, f"file://{site(world)}/attributes.html#is_vip")
    articles = re.findall(r'<article id="(\w+)"( hidden="")?', page)
    assert [name for name, _ in articles] == [each.attribute for each in picture.distributions]
    assert not any(hidden for _, hidden in articles)


def test_the_browser_has_nothing_to_complain_of(
    world: World, chromium: str, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.html"
    broken.write_text("<script>nothing.there()</script>")
    assert complaints(chromium, tmp_path, f"file://{broken}")
    for name in ("attributes.html?q=order", f"builds/{LAST}.html", "builds/index.html"):
        assert complaints(chromium, tmp_path, f"file://{site(world)}/{name}") == []


def test_a_former_link_to_lineage_leads_to_the_dictionary(
    world: World, chromium: str, tmp_path: Path
) -> None:
    page = shown(chromium, tmp_path, f"file://{site(world)}/lineage.html#top_brand_365d")
    assert '<article id="top_brand_365d"' in page


def test_no_attribute_is_named_in_the_model_that_profiles_them(nights: dict[date, Path]) -> None:
    sql = (PROJECT / "models/marts/attribute_distributions.sql").read_text()
    names = ask(nights[NIGHTS[-1]], "select distinct attribute from marts.attribute_distributions")
    named = {name for (name,) in names if re.search(rf"\b{name}\b", sql)}
    assert named == {"control_bucket", "customer_id"}, "attributes are read from the graph"
