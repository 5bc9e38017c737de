"""The tables of the ledger: what each row is, and which words its states are.

Those of releases stand in `flows.release_tables`. Rows are added; only the state of a delivery, a
build, an occurrence, a night and a deploy moves on. No value of a customer is ever written here:
counts, hashes, paths and sentences only.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Date, DateTime, Float, Integer, String, UniqueConstraint

metadata = sa.MetaData()

nights = sa.Table(
    "nights",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("business_date", Date, nullable=False, index=True),
    Column("pid", Integer),
    Column("step", String, nullable=False),
    Column("state", String, nullable=False),  # running | done | stopped | killed
    Column("sentence", String, nullable=False, default=""),
    Column("build_id", String),
    Column("started_at", DateTime, nullable=False),
    Column("ended_at", DateTime),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("table_name", String, nullable=False),
    Column("business_date", Date, nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("state", String, nullable=False),  # arrived | missing | invalid | … | withdrawn
    Column("taken", Boolean, nullable=False, default=False),  # its batch may be pinned
    Column("sentence", String, nullable=False, default=""),
    Column("sha256", String),
    Column("parts", Integer),
    Column("is_initial", Boolean, nullable=False, default=False),
    Column("rows_declared", Integer),
    Column("rows_delivered", Integer),
    Column("rows_accepted", Integer),
    Column("rows_quarantined", Integer),
    Column("rows_changed", Integer),  # of a snapshot: rows that its batch holds
    Column("landed_path", String),
    Column("batch_path", String),
    Column("quarantine_path", String),
    Column("received_at", DateTime, nullable=False),
    Column("came_again_at", DateTime),  # the same bytes, sent once more and ignored
    UniqueConstraint("table_name", "business_date", "version"),
)

findings = sa.Table(
    "findings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("delivery_id", Integer, sa.ForeignKey("deliveries.id"), nullable=False, index=True),
    Column("expectation", String, nullable=False),
    Column("column_name", String),
    Column("severity", String, nullable=False),
    Column("outcome", String, nullable=False),  # passed | failed | could not run
    Column("failing_rows", Integer),
    Column("observed", String),
)

drifts = sa.Table(
    "drifts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("delivery_id", Integer, sa.ForeignKey("deliveries.id"), nullable=False, index=True),
    Column("kind", String, nullable=False),  # new | missing | renamed | reordered | retyped | …
    Column("column_name", String, nullable=False),
    Column("sentence", String, nullable=False),
    Column("refused", Boolean, nullable=False),
)

overrides = sa.Table(
    "overrides",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("table_name", String, nullable=False),
    Column("business_date", Date, nullable=False, index=True),
    Column("policy", String, nullable=False),
    Column("who", String, nullable=False),
    Column("why", String, nullable=False),
    Column("until", DateTime, nullable=False),  # UTC
    Column("made_at", DateTime, nullable=False),
)

corrections = sa.Table(
    "corrections",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("table_name", String, nullable=False),
    Column("business_date", Date, nullable=False, index=True),
    Column("from_version", Integer, nullable=False),
    Column("to_version", Integer, nullable=False),
    Column("action", String, nullable=False),  # release | correct
    Column("rows", Integer, nullable=False),
    Column("who", String, nullable=False),
    Column("why", String, nullable=False),
    Column("made_at", DateTime, nullable=False),
)

builds = sa.Table(
    "builds",
    metadata,
    Column("build_id", String, primary_key=True),
    Column("business_date", Date, nullable=False, index=True),
    Column("base_build_id", String),
    Column("release", String, nullable=False),
    Column("inputs", String, nullable=False),  # sha256 of base, pinned batches and release
    Column("state", String, nullable=False),  # building | built | published | rolled back | failed
    Column("sentence", String, nullable=False, default=""),
    Column("started_at", DateTime, nullable=False),
    Column("seconds", Float),
)

pins = sa.Table(
    "pins",
    metadata,
    Column("build_id", String, primary_key=True),
    Column("table_name", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("as_of_date", Date),
    Column("is_stale", Boolean, nullable=False),
    Column("policy", String, nullable=False),
    Column("hold", String, nullable=False),  # nothing | dependent | everything
    Column("sentence", String, nullable=False),
)

fingerprints = sa.Table(
    "fingerprints",
    metadata,
    Column("build_id", String, primary_key=True),
    Column("relation", String, primary_key=True),
    Column("row_count", Integer, nullable=False),
    Column("row_hash", String, nullable=False),
)

publications = sa.Table(
    "publications",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("build_id", String, nullable=False),
    Column("replaced_build_id", String),
    Column("kind", String, nullable=False),  # publish | roll back | repaired
    Column("published_at", DateTime, nullable=False),
)

decisions = sa.Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("business_date", Date, nullable=False, index=True),
    Column("build_id", String, nullable=False),
    Column("campaign_id", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("verdict", String, nullable=False),  # go | held
    Column("chosen", Integer, nullable=False),
    Column("sentence", String, nullable=False),
    Column("decided_at", DateTime, nullable=False),
)

occurrences = sa.Table(
    "occurrences",
    metadata,
    Column("campaign_id", String, primary_key=True),
    Column("business_date", Date, primary_key=True),
    Column("build_id", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("state", String, nullable=False),  # sending | sent
    Column("chosen", Integer, nullable=False),
    Column("control", Integer, nullable=False),
    Column("path", String, nullable=False),
    Column("sha256", String),
    Column("sent_at", DateTime),
)

cancellations = sa.Table(
    "cancellations",
    metadata,
    Column("campaign_id", String, primary_key=True),
    Column("business_date", Date, primary_key=True),
    Column("who", String, nullable=False),
    Column("why", String, nullable=False),
    Column("made_at", DateTime, nullable=False),
)

slots = sa.Table(
    "slots",
    metadata,
    Column("name", String, primary_key=True),  # the instance: one batch at a time
    Column("token", String, nullable=False),
    Column("host", String, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("doing", String, nullable=False),
    Column("taken_at", DateTime, nullable=False),
    Column("seen_at", DateTime, nullable=False),
)

notices = sa.Table(
    "notices",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String, nullable=False),  # failed | held | waiting | deployed | skipped
    Column("subject", String, nullable=False, index=True),  # night 2017-11-21, …
    Column("digest", String, nullable=False),  # of what was told: the same is not told again
    Column("sent_at", DateTime, nullable=False),
)
