"""A campaign that is due and fits nobody is decided on like any other."""

from __future__ import annotations

from pathlib import Path

import duckdb

from flows.campaigns.gate import Due, campaigns_due

BUILD = """
    create schema campaigns;
    create schema decisions;
    create table campaigns.campaigns_due as
    select * from (values
        ('letter', 'A letter', 'direct_mail', 10), ('mail', 'A mail', 'email', 20)
    ) as due (campaign_id, label, channel, priority);
    create table decisions.campaigns as
    select * from (values ('letter', false), ('mail', true)) as all_of (campaign_id, run_anyway);
    create table campaigns.campaign_targets as
    select * from (values
        ('mail', 1, 'chosen'), ('mail', 2, 'control'), ('mail', 3, 'chosen')
    ) as targets (campaign_id, customer_id, status);
"""


def test_a_campaign_for_nobody_has_an_audience_of_zero(tmp_path: Path) -> None:
    build = tmp_path / "build.duckdb"
    with duckdb.connect(str(build)) as connection:
        connection.execute(BUILD)
    assert campaigns_due(build) == [
        Due("letter", "A letter", "direct_mail", 0, 0, 0),
        Due("mail", "A mail", "email", 2, 1, 0, run_anyway=True),
    ]
