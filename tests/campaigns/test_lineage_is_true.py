"""What lineage says is what happens: a raw column changes, and campaigns change, or do not.

Sound: when the chosen customers or their messages change with a raw column, lineage says so. Exact:
when lineage says that a campaign depends on a raw table, some change of the table changes it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.campaigns import gate, lineage
from flows.campaigns.gate import Due
from flows.campaigns.graph import Graph
from flows.campaigns.lineage import Reads
from flows.campaigns.traces import ROWS, Raw
from flows.contracts.policy import Verdict
from tests.campaigns.replay import Replay
from tests.conftest import World

FIRST, DAY = dt.date(2017, 11, 18), dt.date(2017, 11, 21)
TABLES = (
    *("transactions", "households", "consents", "products"),
    *("campaign_mailings", "coupon_redemptions", "dispatches", "household_merges"),
    *("returns", "loyalty_accounts", "loyalty_ledger", "service_cases"),
    *("email_events", "sms_events", "web_sessions"),
)
EMAILS = (
    *("birthday_email", "coupon_lovers_email", "points_expiring_email", "store_news_email"),
    *("welcome_email", "win_back_email"),
)
LETTERS, TEXTS = ("own_brand_letter", "vip_thank_you_letter"), ("weekend_reminder_sms",)
# Where lineage is coarser than the truth: mailings by post count for the frequency cap, and only
# for letters; what became of e-mails and texts says who can be reached, each on its own channel.
# That a campaign's channel is another one is told by a seed, not by the SQL.
COARSE = {
    *(("campaign_mailings", campaign) for campaign in (*EMAILS, *TEXTS)),
    *(("email_events", campaign) for campaign in (*LETTERS, *TEXTS)),
    *(("sms_events", campaign) for campaign in (*LETTERS, *EMAILS)),
}

Changes = Mapping[Raw, set[str]]


@pytest.fixture(scope="module")
def builds(world: World) -> Path:
    """Where the builds of the world stand."""
    return world.warehouse / "demo" / "builds"


@pytest.fixture(scope="module")
def reads(builds: Path) -> dict[str, Reads]:
    """What each campaign reads, by the graph of the last build."""
    return lineage.read(Graph.read(builds / f"{DAY}-01.manifest.json"))


@pytest.fixture(scope="module")
def replay(builds: Path) -> Replay:
    """The graph, run again in memory."""
    first = builds / f"{FIRST}-01.manifest.json"
    return Replay(builds / f"{DAY}-01.duckdb", first, str(FIRST), str(DAY))


@pytest.fixture(scope="module")
def changes(replay: Replay, reads: dict[str, Reads]) -> Changes:
    """For each raw column, the campaigns whose outcome changes with it.

    Columns on which no campaign depends are changed all at once.
    """
    found: dict[Raw, set[str]] = {}
    read = frozenset().union(*(each.depends for each in reads.values()))
    for table in TABLES:
        for query in replay.other_rows(table):
            found.setdefault(Raw(table, ROWS), set()).update(replay.changed(table, query))
        columns = list(replay.columns(table))
        unread = [name for name in columns if Raw(table, name) not in read]
        for group in [[name] for name in columns if name not in unread] + [unread]:
            if group:
                changed = replay.changed(table, replay.with_other_values(table, group))
                found |= {Raw(table, name): changed for name in group}
    return found


def test_every_campaign_chooses_somebody_before_anything_is_changed(
    replay: Replay, reads: dict[str, Reads]
) -> None:
    assert set(replay.before) == set(reads)


def test_the_same_rows_again_change_nothing(replay: Replay) -> None:
    for table in ("households", "consents", "dispatches"):
        assert replay.changed(table, f"select * from raw.{table} order by hash(rowid)") == set()


def test_no_campaign_changes_with_a_raw_column_that_it_does_not_depend_on(
    changes: Changes, reads: dict[str, Reads]
) -> None:
    unforeseen = {
        (raw, campaign)
        for raw, changed in changes.items()
        for campaign in changed
        if raw not in reads[campaign].depends
    }
    assert unforeseen == set()


def test_every_table_that_a_campaign_depends_on_can_change_it(
    changes: Changes, reads: dict[str, Reads]
) -> None:
    said = {(table, campaign) for campaign, each in reads.items() for table in each.tables}
    seen = {(raw.table, campaign) for raw, changed in changes.items() for campaign in changed}
    assert said - seen == COARSE


def test_most_raw_columns_that_a_campaign_depends_on_can_change_it(
    changes: Changes, reads: dict[str, Reads]
) -> None:
    said = {
        (raw, campaign)
        for campaign, each in reads.items()
        for raw in each.depends
        if (raw.table, campaign) not in COARSE
    }
    seen = {(raw, campaign) for raw, changed in changes.items() for campaign in changed}
    assert len(said & seen) > len(said) / 2


@settings(max_examples=200, deadline=None)
@given(missing=st.sets(st.sampled_from(TABLES)))
def test_a_campaign_is_held_exactly_when_what_it_depends_on_is_missing(
    changes: Changes, reads: dict[str, Reads], missing: set[str]
) -> None:
    verdicts = [
        Verdict(table, "missing", "hold_dependent", None, True, "dependent", "", "decided by us")
        for table in sorted(missing)
    ]
    due = [Due(campaign, "", "", 1, 0, 0) for campaign in reads]
    decided = gate.decide(due, reads, verdicts, DAY)
    held = {each.due.campaign_id for each in decided if each.verdict == "held"}
    for campaign in reads:
        changing = {raw.table for raw, changed in changes.items() if campaign in changed}
        coarse = {table for table, other in COARSE if other == campaign}
        assert (campaign in held) == bool(missing & (changing | coarse))
