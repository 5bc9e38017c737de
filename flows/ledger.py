"""What happened: the one mutable store. SQLite beside the warehouse unless told otherwise.

Rows are added; only the state of a delivery, a build, an occurrence and a night moves on. No
value of a customer is ever written here: counts, hashes, paths and sentences only.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Date, DateTime, Float, Integer, String, UniqueConstraint

from flows.errors import SettingsWrong

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

Row = Mapping[str, Any]


def now() -> dt.datetime:
    """Return the machine's time in UTC: for the record of what happened, never for data."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


class Ledger:
    """The ledger of one instance, opened at an SQLAlchemy address."""

    def __init__(self, url: str) -> None:
        path = sa.make_url(url).database
        if url.startswith("sqlite") and path:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.engine = sa.create_engine(url)
        if self.engine.dialect.name == "sqlite":
            sa.event.listen(self.engine, "connect", _readers_beside_a_writer)
        metadata.create_all(self.engine)
        self._refuse_another_shape(path)

    def _refuse_another_shape(self, path: str | None) -> None:
        known = sa.inspect(self.engine)
        for table in metadata.sorted_tables:
            lacks = {c.name for c in table.columns} - {
                c["name"] for c in known.get_columns(table.name)
            }
            if lacks:
                raise SettingsWrong(
                    f"The ledger {path} was made by an earlier version of this project: its "
                    f"{table.name} have no {', '.join(sorted(lacks))}. Begin with a new warehouse: "
                    "set SCV_WAREHOUSE to another folder, or, for the demo, make clean."
                )

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction: everything in it is true, or nothing is."""
        with self.engine.begin() as connection:
            yield connection

    def rows(self, query: sa.Select[Any]) -> list[Row]:
        """Return the rows of a query as mappings by column name."""
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def row(self, query: sa.Select[Any]) -> Row | None:
        """Return the first row of a query, or None."""
        found = self.rows(query.limit(1))
        return found[0] if found else None

    def add(self, table: sa.Table, **values: Any) -> int:
        """Add one row and return its key, where the database made one."""
        with self.write() as connection:
            key = connection.execute(sa.insert(table).values(**values)).inserted_primary_key
        return int(key[0]) if key and isinstance(key[0], int) else 0

    def change(self, table: sa.Table, where: sa.ColumnElement[bool], **values: Any) -> None:
        """Move the state of the rows that fit `where`."""
        with self.write() as connection:
            connection.execute(sa.update(table).where(where).values(**values))


def _readers_beside_a_writer(connection: Any, _record: Any) -> None:
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma busy_timeout = 30000")
