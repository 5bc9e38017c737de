"""What a person sees of a comparison: in a terminal, as JSON, and as a page in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from flows.comparison.expected import Expected, ExpectedAttribute
from flows.comparison.judgement import judge
from flows.comparison.result import Comparison
from flows.comparison_pages import write_comparison
from flows.settings import Instance
from tests.browser import complaints, shown
from tests.comparison.builds import Altered, compared, graph_of
from tests.conftest import Answer

Scv = Callable[..., Answer]
SALES = "update marts.customer_purchases set net_sales_365d = net_sales_365d * 1.5 + 1"


@pytest.fixture
def found(altered: Altered) -> Comparison:
    """A release that changes a declared attribute, an undeclared one, and an audience."""
    return altered(
        f"{SALES} where customer_id % 9 = 0",
        "update marts.customer_identity set first_name = 'Zebedee' where customer_id < 100",
        "update marts.customer_lifecycle set is_vip = not is_vip where customer_id % 50 = 0",
        "delete from campaigns.campaign_targets where campaign_id = 'store_news_email' "
        "and status = 'chosen' and customer_id % 7 = 0",
    )


@pytest.fixture
def page(found: Comparison, build: Path, tmp_path: Path) -> Path:
    """The page of that release."""
    wanted = ExpectedAttribute(share_at_most=0.2, why="Gift cards count as sales")
    expected = Expected(attributes={"net_sales_365d": wanted})
    judgement = judge(found, expected, graph_of(build))
    return write_comparison(tmp_path / "comparisons", "release", found, judgement)


def test_the_page_says_what_a_reviewer_must_decide(page: Path, found: Comparison) -> None:
    said = page.read_text()
    assert "Blocked" in said
    assert found.digest in said
    assert "Gift cards count as sales" in said
    assert said.index('id="verdict"') < said.index('id="declared"') < said.index('id="attributes"')
    cards = re.findall(r'<article class="card" id="(\w+)"', said)
    assert sorted(cards) == ["first_name", "is_vip", "net_sales_365d"]
    assert cards[-1] == "net_sales_365d", "what is declared comes after what is not"
    assert "<figcaption>before</figcaption><svg" in said


def test_the_page_shows_nobody(page: Path, build: Path) -> None:
    words = set(re.findall(r"[\w.+@-]+", page.read_text()))
    with duckdb.connect(str(build), read_only=True) as connection:
        people = connection.execute(
            "select email_norm, phone_e164, address_line, scv_customer_id "
            "from marts.single_customer_view"
        ).fetchall()
    assert not words & {value for line in people for value in line if value}
    assert "Zebedee" not in words


def test_the_same_stands_beside_it_for_machines(page: Path, found: Comparison) -> None:
    told = json.loads(page.with_suffix(".json").read_text())
    assert Comparison.model_validate(told["comparison"]) == found
    assert (told["digest"], told["verdict"]) == (found.digest, "blocked")


def test_the_page_asks_nobody_else_and_the_browser_has_nothing_to_complain_of(
    page: Path, chromium: str, tmp_path: Path
) -> None:
    assert not re.search(r"""(src|href)=["']?https?:""", page.read_text())
    assert complaints(chromium, tmp_path, f"file://{page}") == []
    assert 'id="campaigns"' in shown(chromium, tmp_path, f"file://{page}")


def test_equal_builds_have_a_page_too(build: Path, tmp_path: Path) -> None:
    found = compared(build, build)
    page = write_comparison(tmp_path, "equal", found, judge(found, Expected(), graph_of(build)))
    assert "nothing that others read differs" in page.read_text()
    assert "They are equal" in write_comparison(tmp_path, "by_hand", found).read_text()


def test_scv_diff_says_what_differs(instance: Instance, scv: Scv, tmp_path: Path) -> None:
    page = tmp_path / "pages" / "diff.html"
    answer = scv("diff", "2017-11-20", "live", "--page", str(page))
    assert answer.code == 1
    for words in ("2017-11-20-01", "2017-11-21-01", "days_since_last_order", "Audiences", "Digest"):
        assert words in answer.out
    assert page.is_file()
    assert page.with_suffix(".json").is_file()


def test_scv_diff_of_a_build_with_itself_says_equal(instance: Instance, scv: Scv) -> None:
    answer = scv("diff", "2017-11-21-01", "live")
    assert answer.code == 0
    assert "equal" in answer.out
    told = scv("diff", "live", "2017-11-21", "--json")
    assert told.code == 0
    assert not Comparison.model_validate_json(told.out).differs


@pytest.mark.parametrize("name", ["lve", "2017-12-24", "2017-11-21-07"])
def test_scv_diff_of_a_name_that_is_none_says_which_there_are(
    name: str, instance: Instance, scv: Scv
) -> None:
    answer = scv("diff", "live", name)
    assert answer.code == 2
    assert f"'{name}' is no build that is kept" in answer.err
    assert "2017-11-21-01" in answer.err
