"""One table of one business date, on its way in: what is asked for, and what became of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from flows.contracts.calendar import Expected
from flows.contracts.contract import Contract
from flows.intake import history, landing
from flows.intake.batches import Counts, Span
from flows.intake.manifest import Entry, Manifest
from flows.intake.sources.declared import Api, Database, FileTable, Snowflake
from flows.intake.sources.request import Request
from flows.ledger import Ledger
from flows.settings import Instance

ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Received:
    """What became of one table's delivery."""

    table: str
    state: str
    sentence: str = ""
    counts: Counts | None = None
    checks_run: int = 0
    checks_failed: int = 0
    taken_before: bool = False


@dataclass(frozen=True)
class Intake:
    """One table of one business date, on its way in."""

    instance: Instance
    ledger: Ledger
    contract: Contract
    source: Any
    day: dt.date
    manifest: Manifest
    due: Expected = "delivery"
    again: bool = False

    @property
    def entry(self) -> Entry | None:
        """What the manifest says of the table."""
        return self.manifest.entry(self.contract.table)

    @property
    def must_be_named(self) -> bool:
        """True when the client's manifest names every delivery of this table."""
        table = self.source.tables[self.contract.table]
        return isinstance(table, FileTable) and table.in_manifest

    @property
    def is_asked_once(self) -> bool:
        """True for what has no bytes of its own: what was extracted for a date stays."""
        return not (self.again or isinstance(self.source.tables[self.contract.table], FileTable))

    @cached_property
    def asked_from(self) -> dt.date | None:
        """The first day that a database or an API is asked for; None for all there is.

        It is asked for all since the last time, days without a batch included, and never again
        for what was taken: late rows come to it as changes of today.
        """
        if self.manifest.initial:
            return None
        before = history.last_good(self.ledger, self.contract.table, self.day - ONE_DAY)
        return self.day if before is None else before + ONE_DAY

    @cached_property
    def span(self) -> Span:
        """The days that a row of this delivery may be of."""
        # A yes or no about consent counts however late it comes.
        if self.manifest.initial or self.contract.is_consent:
            return Span(self.day, None)
        late = dt.timedelta(days=self.contract.late_rows_days)
        first = self.day
        if isinstance(self.source, Api | Database | Snowflake):
            first = self.asked_from or self.day
        return Span(self.day, first - late, first if late else None)

    @cached_property
    def version(self) -> int:
        """The number that this delivery gets."""
        return history.next_version(self.ledger, self.contract.table, self.day)

    @property
    def request(self) -> Request:
        """What is asked of the source."""
        return Request(
            self.instance,
            self.contract.source,
            self.contract.table,
            self.contract.owner,
            self.day,
            self.asked_from,
            landing.arriving(self.instance, self.contract.table, self.day),
        )

    def path(self, folder: Path) -> Path:
        """Where this delivery's Parquet file goes, below `batches` or `quarantine`."""
        partition = folder / self.contract.table / f"batch_date={self.day}"
        return partition / f"v{self.version}.parquet"
