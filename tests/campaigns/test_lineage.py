"""What a campaign reads comes from dbt's own graph; where it cannot be read, hold."""

from __future__ import annotations

import datetime as dt
import json
import time
from pathlib import Path
from typing import Any

import pytest

from flows.campaigns import gate, lineage
from flows.campaigns.gate import Due
from flows.campaigns.graph import Graph
from flows.campaigns.traces import ROWS, Raw
from flows.contracts.policy import Hold, Verdict
from tests.conftest import World

DAY = dt.date(2017, 11, 21)


@pytest.fixture(scope="module")
def manifest(world: World) -> dict[str, Any]:
    """What dbt left of the last build."""
    path = world.warehouse / "demo" / "builds" / f"{DAY}-01.manifest.json"
    return dict(json.loads(path.read_text()))


def verdict(table: str, hold: Hold) -> Verdict:
    """A table that did not come."""
    return Verdict(table, "missing", "hold_dependent", None, True, hold, "", "decided by us")


def held(manifest: dict[str, Any], table: str, hold: Hold = "dependent") -> set[str]:
    """The campaigns that are held when a table does not come."""
    reads = lineage.read(Graph(manifest))
    due = [Due(campaign, "", "email", 1, 0, 0) for campaign in reads]
    decided = gate.decide(due, reads, [verdict(table, hold)], DAY)
    return {each.due.campaign_id for each in decided if each.verdict == "held"}


def test_coupons_hold_the_campaign_that_reads_them_and_no_other(manifest: dict[str, Any]) -> None:
    assert held(manifest, "coupon_redemptions") == {"coupon_lovers_email"}


def test_products_hold_the_campaign_that_reads_a_brand(manifest: dict[str, Any]) -> None:
    assert held(manifest, "products") == {"own_brand_letter"}


def test_visits_to_the_web_site_hold_nothing_while_no_campaign_reads_them(
    manifest: dict[str, Any],
) -> None:
    assert held(manifest, "web_sessions") == set()


@pytest.mark.parametrize(
    "table",
    [
        *("consents", "households", "household_merges", "transactions", "dispatches"),
        # They say who can be reached at all.
        *("email_events", "sms_events"),
    ],
)
def test_what_every_rule_needs_holds_every_campaign(manifest: dict[str, Any], table: str) -> None:
    assert held(manifest, table) == set(lineage.read(Graph(manifest)))


def test_a_table_that_holds_everything_holds_what_does_not_read_it(
    manifest: dict[str, Any],
) -> None:
    assert held(manifest, "products", "everything") == set(lineage.read(Graph(manifest)))


def test_an_audience_that_cannot_be_parsed_depends_on_everything(manifest: dict[str, Any]) -> None:
    broken = json.loads(json.dumps(manifest))
    node = broken["nodes"]["model.scv.audience_birthday_email"]
    node["compiled_code"] = "select this is no sql ((("
    assert "birthday_email" in held(broken, "coupon_redemptions")


def test_a_campaign_without_an_audience_model_is_held(manifest: dict[str, Any]) -> None:
    due = [Due("unknown_email", "", "email", 1, 0, 0)]
    reads = lineage.read(Graph(manifest))
    decided = gate.decide(due, reads, [verdict("products", "dependent")], DAY)
    assert decided[0].verdict == "held"


def test_the_sentence_names_what_is_read_and_who_decided(manifest: dict[str, Any]) -> None:
    reads = lineage.read(Graph(manifest))
    due = [Due("coupon_lovers_email", "", "email", 1, 0, 0)]
    said = gate.decide(due, reads, [verdict("coupon_redemptions", "dependent")], DAY)[0].sentence
    for words in ("coupons_redeemed_lifetime", "decided by us", f"scv run {DAY}", "missing"):
        assert words in said


def test_the_sentence_names_the_raw_columns_where_they_are_few(manifest: dict[str, Any]) -> None:
    reads = lineage.read(Graph(manifest))
    due = [Due("win_back_email", "", "email", 1, 0, 0)]
    said = gate.decide(due, reads, [verdict("transactions", "dependent")], DAY)[0].sentence
    assert "it reads lifecycle_stage (from transactions.business_date)" in said


def test_what_is_only_told_as_the_reason_holds_nothing(manifest: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(manifest))
    node = changed["nodes"]["model.scv.audience_birthday_email"]
    node["compiled_code"] = node["compiled_code"].replace(
        "'birthday today'", "'birthday, and likes ' || top_brand_365d"
    )
    assert "top_brand_365d" in lineage.read(Graph(changed))["birthday_email"].told
    assert "birthday_email" not in held(changed, "products")


def test_a_rule_that_reads_one_more_table_holds_every_campaign(manifest: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(manifest))
    node = changed["nodes"]["model.scv.eligibility_suppression"]
    node["compiled_code"] = node["compiled_code"].replace(
        "where identity.is_test",
        "where exists (select 1 from staging.stg_products) or identity.is_test",
    )
    assert held(changed, "products") == set(lineage.read(Graph(manifest)))


def test_what_puts_the_rules_together_counts_too(manifest: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(manifest))
    node = changed["nodes"]["model.scv.campaign_targets"]
    node["compiled_code"] = node["compiled_code"].replace(
        "from candidates", "from candidates inner join staging.stg_products on true"
    )
    assert held(changed, "products") == set(lineage.read(Graph(manifest)))


@pytest.mark.parametrize(
    "model", ["campaign_messages", "campaign_targets", "eligibility_consent", "customer_identity"]
)
def test_a_model_that_every_campaign_needs_and_nobody_can_read_holds_them_all(
    manifest: dict[str, Any], model: str
) -> None:
    broken = json.loads(json.dumps(manifest))
    broken["nodes"][f"model.scv.{model}"]["compiled_code"] = "select * from somewhere.else"
    assert held(broken, "coupon_redemptions") == set(lineage.read(Graph(manifest)))


def test_a_section_that_nobody_can_read_holds_every_campaign(manifest: dict[str, Any]) -> None:
    broken = json.loads(json.dumps(manifest))
    del broken["nodes"]["model.scv.customer_stores"]["compiled_code"]
    # The view has only customers that every section has: who is in it cannot be known any more.
    assert held(broken, "coupon_redemptions") == set(lineage.read(Graph(manifest)))


def test_a_key_counts_only_while_a_test_of_the_build_holds_it(manifest: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(manifest))
    audience = changed["nodes"]["model.scv.audience_birthday_email"]
    audience["compiled_code"] = (
        "select one.customer_id from marts.customer_identity as one "
        "left join marts.rfm_cut_points as cut on cut.metric = 'recency'"
    )
    points = changed["nodes"]["model.scv.rfm_cut_points"]
    half = f"select * from ({points['compiled_code']}) as half"
    points["compiled_code"] = f"{half} union all {half}"
    sales = Raw("transactions", "sales_value")
    assert sales not in Graph(changed).relation("audience_birthday_email").rows
    for node in changed["nodes"].values():
        if node.get("attached_node") == "model.scv.rfm_cut_points":
            node["config"]["severity"] = "warn"
    assert sales in Graph(changed).relation("audience_birthday_email").rows


def test_an_incremental_model_that_reads_itself_depends_on_what_came(
    manifest: dict[str, Any],
) -> None:
    node = manifest["nodes"]["model.scv.int_consents_latest"]
    assert 'from "intermediate"."int_consents_latest"' in node["compiled_code"]
    relation = Graph(manifest).relation("int_consents_latest")
    assert Raw("consents", ROWS) in relation.rows
    assert Raw("consents", "status") in relation.columns["is_opt_in"].depends
    assert {raw.table for raw in relation.everything.depends} == {"consents"}


def test_the_incremental_and_the_full_form_depend_on_the_same_tables(
    manifest: dict[str, Any], world: World
) -> None:
    first = world.warehouse / "demo" / "builds" / "2017-11-18-01.manifest.json"
    full = lineage.read(Graph.read(first))
    for campaign, reads in lineage.read(Graph(manifest)).items():
        assert reads.tables == full[campaign].tables


def test_every_model_can_be_followed(manifest: dict[str, Any]) -> None:
    graph = Graph(manifest)
    models = [n["name"] for n in manifest["nodes"].values() if n["resource_type"] == "model"]
    assert [name for name in models if graph.relation(name).rest] == []


def test_an_attribute_is_made_of_the_raw_columns_that_it_is_computed_from(
    manifest: dict[str, Any],
) -> None:
    graph = Graph(manifest)
    made_of = {
        "last_order_date": {("transactions", "business_date")},
        # A closed record keeps no birthday, and a merged one may have the other's.
        "days_to_birthday": {
            *(("households", "birth_date"), ("households", "deleted_at")),
            ("household_merges", "household_id"),
            ("household_merges", "merged_into_household_id"),
        },
        "top_brand_365d": {("products", "brand")},
        "coupons_redeemed_lifetime": {("coupon_redemptions", ROWS)},
        "stale_sources": set(),
    }
    for column, raws in made_of.items():
        assert graph.spread("single_customer_view", column).made_of == raws
    ranked = graph.spread("single_customer_view", "is_main_email")
    assert Raw("transactions", "business_date") in ranked.depends - ranked.made_of


def test_the_whole_graph_is_followed_in_less_than_two_seconds(manifest: dict[str, Any]) -> None:
    started = time.process_time()
    lineage.read(Graph(manifest))
    assert time.process_time() - started < 2


def test_every_column_of_the_view_is_traced_to_a_model(manifest: dict[str, Any]) -> None:
    graph = Graph(manifest)
    listed = manifest["nodes"]["model.scv.single_customer_view"]["columns"]
    assert set(graph.view_columns()) == set(listed)
    assert [name for name, models in graph.view_columns().items() if not models] == []


def test_the_graph_is_read_from_the_file_that_a_build_left(world: World) -> None:
    path: Path = world.warehouse / "demo" / "builds" / f"{DAY}-01.manifest.json"
    assert Graph.read(path).all_tables >= {"transactions", "consents", "households"}
