"""The tables of the ledger about releases: what each row is, and which words its states are."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Date, DateTime, Integer, String

from flows.ledger_tables import metadata

deploys = sa.Table(
    "deploys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("release", String, nullable=False),  # the commit that is to go live
    Column("build_id", String, nullable=False),  # what was live when it began
    Column("business_date", Date, nullable=False),
    Column("candidate_id", String),
    Column("report_hash", String),
    Column(
        "state", String, nullable=False
    ),  # running | waiting | published | stopped | refused | lapsed | …
    Column("sentence", String, nullable=False, default=""),
    Column("started_at", DateTime, nullable=False),
    Column("ended_at", DateTime),
)

deploy_steps = sa.Table(
    "deploy_steps",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("deploy_id", Integer, sa.ForeignKey("deploys.id"), nullable=False, index=True),
    Column("step", String, nullable=False),
    Column("state", String, nullable=False),  # running | done | waiting | stopped | killed
    Column("sentence", String, nullable=False, default=""),
    Column("started_at", DateTime, nullable=False),
    Column("ended_at", DateTime),
)

released_requests = sa.Table(
    "released_requests",
    metadata,
    Column("deploy_id", Integer, sa.ForeignKey("deploys.id"), primary_key=True),
    Column("request", String, primary_key=True),  # its file in docs/requests, without the ending
    Column("title", String, nullable=False),
    Column("asked_by", String, nullable=False, default=""),
)

approvals = sa.Table(
    "approvals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("report_hash", String, nullable=False, index=True),
    Column("decision", String, nullable=False),  # approved | refused
    Column("who", String, nullable=False),
    Column("why", String, nullable=False),
    Column("made_at", DateTime, nullable=False),
)
