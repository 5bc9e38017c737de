"""A release may change what it declared, and no more; nobody may be written to unasked."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.comparison.expected import (
    Expected,
    ExpectedAttribute,
    ExpectedCampaign,
    ExpectedColumns,
    ExpectedCustomers,
)
from flows.comparison.finding import Finding
from flows.comparison.judgement import Judgement, judge
from flows.comparison.result import Comparison
from tests.comparison.builds import Altered, attribute, graph_of

SOME = "customer_id % 9 = 0"
MORE_SALES = (
    f"update marts.customer_purchases set net_sales_365d = net_sales_365d * 1.5 + 1 where {SOME}"
)
STORE_NEWS = "where campaign_id = 'store_news_email' and status = 'chosen' and customer_id % 7 = 0"
FEWER_NEWS = f"delete from campaigns.campaign_targets {STORE_NEWS}"


def declares(at_most: float, at_least: float = 0.0) -> dict[str, ExpectedAttribute]:
    """A declaration of net sales of a year."""
    told = {"share_at_most": at_most, "share_at_least": at_least, "why": "Gift cards count"}
    return {"net_sales_365d": ExpectedAttribute.model_validate(told)}


def judged(build: Path, found: Comparison, expected: Expected | None = None) -> Judgement:
    """A comparison judged by the graph of the build."""
    return judge(found, expected or Expected(), graph_of(build))


def finding(judgement: Judgement, name: str) -> Finding:
    """The finding of one name."""
    return next(each for each in judgement.findings if each.name == name)


def test_equal_builds_need_nobody(build: Path, altered: Altered) -> None:
    judgement = judged(build, altered())
    assert judgement.verdict == "equal"
    assert not judgement.findings


def test_an_attribute_within_its_bounds_is_published_by_itself(
    build: Path, altered: Altered
) -> None:
    found = altered(MORE_SALES)
    judgement = judged(build, found, Expected(attributes=declares(0.2, 0.05)))
    assert judgement.verdict == "declared"
    assert not judgement.to_decide
    said = finding(judgement, "net_sales_365d").sentence
    assert f"{attribute(found, 'net_sales_365d').changed:,}" in said
    assert "Gift cards count" in said


@pytest.mark.parametrize(("at_most", "at_least"), [(0.01, 0.0), (1.0, 0.9)])
def test_an_attribute_out_of_its_bounds_needs_a_person(
    at_most: float, at_least: float, build: Path, altered: Altered
) -> None:
    expected = Expected(attributes=declares(at_most, at_least))
    judgement = judged(build, altered(MORE_SALES), expected)
    assert judgement.verdict == "needs approval"
    assert finding(judgement, "net_sales_365d").kind == "out of bounds"


def test_what_was_to_change_and_did_not_needs_a_person(build: Path, altered: Altered) -> None:
    judgement = judged(build, altered(), Expected(attributes=declares(0.2, 0.05)))
    assert judgement.verdict == "needs approval"
    assert "changed for nobody" in finding(judgement, "net_sales_365d").sentence


def test_a_declared_name_that_the_view_has_not_needs_a_person(
    build: Path, altered: Altered
) -> None:
    wrong = Expected(
        attributes={"net_sales_356d": ExpectedAttribute(share_at_most=0.1, why="Gift cards")}
    )
    judgement = judged(build, altered(), wrong)
    assert judgement.verdict == "needs approval"
    assert "Is its name right?" in finding(judgement, "net_sales_356d").sentence


def test_a_declared_campaign_that_there_is_not_needs_a_person(
    build: Path, altered: Altered
) -> None:
    wrong = Expected(campaigns={"store_news_emial": ExpectedCampaign(left_at_most=0.1)})
    judgement = judged(build, altered(), wrong)
    assert judgement.verdict == "needs approval"
    assert "no such campaign" in finding(judgement, "store_news_emial").sentence


def test_an_attribute_that_nobody_declared_blocks(build: Path, altered: Altered) -> None:
    judgement = judged(build, altered(MORE_SALES))
    assert judgement.verdict == "blocked"
    assert finding(judgement, "net_sales_365d").kind == "unexplained"


def test_an_attribute_is_never_a_consequence_of_another(build: Path, altered: Altered) -> None:
    found = altered(
        "update marts.customer_purchases set last_order_date = last_order_date - 1 "
        f"where {SOME} and last_order_date is not null"
    )
    expected = Expected(
        attributes={"last_order_date": ExpectedAttribute(share_at_most=1, why="Time zones")}
    )
    judgement = judged(build, found, expected)
    assert judgement.verdict == "blocked"
    assert finding(judgement, "days_since_last_order").kind == "unexplained"
    assert finding(judgement, "churn_factor").kind == "unexplained"
    # Below the view a model may follow from what is declared.
    assert finding(judgement, "marts.customer_scores").kind == "consequence"


def test_another_table_is_a_consequence_only_of_what_stands_above_it(
    build: Path, altered: Altered
) -> None:
    found = altered(MORE_SALES, "update marts.rfm_cut_points set cut_40 = cut_40 + 1")
    judgement = judged(build, found, Expected(attributes=declares(0.2)))
    assert finding(judgement, "marts.rfm_cut_points").kind == "consequence"
    assert judgement.verdict == "declared"
    found = altered("update marts.first_order_hazards set daily_hazard = daily_hazard / 2")
    judgement = judged(build, found, Expected(attributes=declares(0.2)))
    assert finding(judgement, "marts.first_order_hazards").kind == "unexplained"
    judgement = judged(build, found, Expected(relations=("marts.first_order_hazards",)))
    assert judgement.verdict == "declared"


def test_an_audience_that_moved_by_a_declared_attribute_needs_a_person(
    build: Path, altered: Altered
) -> None:
    found = altered(MORE_SALES, FEWER_NEWS)
    expected = Expected(attributes=declares(0.2))
    judgement = judged(build, found, expected)
    assert finding(judgement, "store_news_email").kind == "consequence"
    assert judgement.verdict == "needs approval"
    moves = {"store_news_email": ExpectedCampaign(left_at_most=0.3)}
    declared = judged(build, found, expected.model_copy(update={"campaigns": moves}))
    assert declared.verdict == "declared"
    fewer = {"store_news_email": ExpectedCampaign(left_at_most=0.01)}
    beyond = judged(build, found, expected.model_copy(update={"campaigns": fewer}))
    assert finding(beyond, "store_news_email").kind == "out of bounds"
    assert beyond.verdict == "needs approval"


def test_an_audience_that_moved_by_nothing_declared_blocks(build: Path, altered: Altered) -> None:
    judgement = judged(build, altered(FEWER_NEWS))
    assert finding(judgement, "store_news_email").kind == "unexplained"
    assert judgement.verdict == "blocked"


def test_nobody_may_approve_a_customer_who_turns_contactable_without_a_consent(
    build: Path, altered: Altered
) -> None:
    found = altered(
        "update marts.customer_reachability set contactable_email = true where customer_id in ("
        "select customer_id from marts.customer_consents where not allow_email limit 1)"
    )
    everything = Expected(
        attributes={"contactable_email": ExpectedAttribute(share_at_most=1, why="More reach")}
    )
    judgement = judged(build, found, everything)
    assert judgement.verdict == "hard stop"
    assert finding(judgement, "contactable_email").what == "consent"


def test_customers_who_are_gone_stop_unless_declared(build: Path, altered: Altered) -> None:
    found = altered("delete from marts.customer_identity where customer_id % 100 = 1")
    assert judged(build, found).verdict == "hard stop"
    gone = Expected(customers=ExpectedCustomers(gone_at_most=0.05))
    judgement = judged(build, found, gone)
    assert judgement.verdict == "declared", judgement.to_decide
    fewer = Expected(customers=ExpectedCustomers(gone_at_most=0.001))
    assert judged(build, found, fewer).verdict == "hard stop"


def test_a_column_that_nobody_declared_blocks(build: Path, altered: Altered) -> None:
    found = altered("alter table marts.customer_web add column taps integer")
    assert judged(build, found).verdict == "blocked"
    new = Expected(columns=ExpectedColumns(new=("marts.customer_web.taps",)))
    assert judged(build, found, new).verdict == "declared"
