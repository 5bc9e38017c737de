"""What happened: the one mutable store. SQLite beside the warehouse unless told otherwise.

What its tables hold stands in `flows.ledger_tables` and `flows.release_tables`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from flows.errors import SettingsWrong
from flows.ledger_tables import (
    builds,
    cancellations,
    corrections,
    decisions,
    deliveries,
    drifts,
    findings,
    fingerprints,
    metadata,
    nights,
    notices,
    occurrences,
    overrides,
    pins,
    publications,
    slots,
)
from flows.release_tables import approvals, deploy_steps, deploys, released_requests

__all__ = [
    "Ledger",
    "Row",
    "approvals",
    "builds",
    "cancellations",
    "corrections",
    "decisions",
    "deliveries",
    "deploy_steps",
    "deploys",
    "drifts",
    "findings",
    "fingerprints",
    "metadata",
    "nights",
    "notices",
    "now",
    "occurrences",
    "overrides",
    "pins",
    "publications",
    "released_requests",
    "slots",
]

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
