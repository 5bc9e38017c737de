"""What a campaign reads comes from dbt's own graph; where it cannot be read, hold."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from flows.campaigns import gate, lineage
from flows.campaigns.gate import Due
from flows.campaigns.lineage import Graph
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


@pytest.mark.parametrize("table", ["consents", "households", "transactions", "dispatches"])
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


def test_every_column_of_the_view_is_traced_to_a_model(manifest: dict[str, Any]) -> None:
    graph = Graph(manifest)
    listed = manifest["nodes"]["model.scv.single_customer_view"]["columns"]
    assert set(graph.view_columns()) == set(listed)
    assert [name for name, models in graph.view_columns().items() if not models] == []


def test_the_graph_is_read_from_the_file_that_a_build_left(world: World) -> None:
    path: Path = world.warehouse / "demo" / "builds" / f"{DAY}-01.manifest.json"
    assert Graph.read(path).all_tables >= {"transactions", "consents", "households"}
