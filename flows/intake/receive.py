"""One table of one business date: from where the client put it to a typed batch, or a reason.

Land, read, compare, cast, check, write. Whatever refuses the delivery is written to the ledger as
its state with a sentence; what was taken before stays as it was. Running it again takes nothing
twice: a batch that is there is kept, other bytes for the same date are a new version of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import sqlalchemy as sa

from flows.contracts.contract import Contract
from flows.errors import DeliveryRefused, FewerRows, ManifestDiffers, NoRows
from flows.intake import batches, database, landing, outbox, reading
from flows.intake.batches import Counts
from flows.intake.landing import Landed
from flows.intake.manifest import Entry, Manifest
from flows.ledger import Ledger, deliveries, findings, now
from flows.settings import Instance

if TYPE_CHECKING:
    from flows.contracts.checks import Finding


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
    day: dt.date
    manifest: Manifest

    @property
    def entry(self) -> Entry | None:
        """What the manifest says of the table."""
        return self.manifest.entry(self.contract.table)

    @cached_property
    def earliest(self) -> dt.date | None:
        """The earliest day that a row of this delivery may be of; None for any."""
        # A yes or no about consent counts however late it comes.
        if self.manifest.initial or self.contract.is_consent:
            return None
        if self.contract.source != "database":
            return self.day
        # A database is asked for all since the last time, days without a batch included.
        one_day = dt.timedelta(days=1)
        before = last_good(self.ledger, self.contract.table, self.day - one_day)
        return self.day if before is None else before + one_day

    @cached_property
    def version(self) -> int:
        """The number that this delivery gets: one more than the last."""
        query = sa.select(sa.func.max(deliveries.c.version).label("last")).where(*self.mine)
        return int((self.ledger.row(query) or {}).get("last") or 0) + 1

    @property
    def mine(self) -> Sequence[sa.ColumnElement[bool]]:
        """What picks the deliveries of this table and date from the ledger."""
        table, day = self.contract.table, self.day
        return deliveries.c.table_name == table, deliveries.c.business_date == day

    def path(self, folder: Path) -> Path:
        """Where this delivery's Parquet file goes, below `batches` or `quarantine`."""
        partition = folder / self.contract.table / f"batch_date={self.day}"
        return partition / f"v{self.version}.parquet"


def receive(intake: Intake) -> Received:
    """Take in one table of a business date and write down what became of it.

    Raises:
        ContractWrong: when the contract itself cannot be kept. A refused delivery does not raise:
            it is a state, and the policy says what follows.
    """
    taken = accepted_delivery(intake.ledger, intake.contract.table, intake.day)
    if taken and intake.contract.source != "file":
        return _as_before(intake, taken)
    landed: Landed | None = None
    try:
        landed = _fetch(intake)
        if taken and taken["sha256"] == landed.sha256:
            return _as_before(intake, taken)
        return _admit(intake, landed)
    except DeliveryRefused as refused:
        if taken and refused.state == "missing":
            return _as_before(intake, taken)
        _record(intake, landed, refused.state, str(refused), found=refused.found)
        return Received(intake.contract.table, refused.state, str(refused))


def accepted_delivery(ledger: Ledger, table: str, day: dt.date) -> dict[str, Any] | None:
    """Return the newest accepted delivery of a table for a date, or None."""
    query = (
        sa.select(deliveries)
        .where(deliveries.c.table_name == table, deliveries.c.business_date == day)
        .where(deliveries.c.state == "arrived")
        .order_by(deliveries.c.version.desc())
    )
    found = ledger.row(query)
    return dict(found) if found else None


def last_good(ledger: Ledger, table: str, day: dt.date) -> dt.date | None:
    """Return the business date of a table's newest accepted delivery up to a date, or None."""
    query = sa.select(sa.func.max(deliveries.c.business_date).label("newest")).where(
        deliveries.c.table_name == table,
        deliveries.c.state == "arrived",
        deliveries.c.business_date <= day,
    )
    newest: dt.date | None = (ledger.row(query) or {}).get("newest")
    return newest


def _fetch(intake: Intake) -> Landed:
    instance, contract, day = intake.instance, intake.contract, intake.day
    if contract.source == "database":
        return database.extract(instance, contract, day, intake.earliest)
    if contract.source == "outbox":
        return outbox.collect(instance, intake.ledger, contract, day)
    return landing.land(instance, contract, day, intake.entry)


def _admit(intake: Intake, landed: Landed) -> Received:
    contract, instance = intake.contract, intake.instance
    spill = instance.root / "spill"
    with reading.workbench(instance.memory_limit, instance.threads, spill) as connection:
        reading.read(connection, contract, landed.path, intake.day)
        _hold_against_manifest(intake, landed, batches.rows(connection, "delivered", "unreadable"))
        batches.type_rows(connection, contract, intake.day, intake.earliest)
        found = _check(connection, intake)
        counts = batches.count(connection)
        reasons = batches.common_reasons(connection)
        if counts.quarantined:
            # Before the delivery may be refused for them: a person must be able to look.
            batches.write(connection, "quarantined", intake.path(instance.quarantine))
        batches.refuse_too_many(contract, intake.day, counts, reasons)
        batches.write(connection, "accepted", intake.path(instance.batches))
    sentence = f"{counts.quarantined:,} rows set aside ({reasons})" if counts.quarantined else ""
    _record(intake, landed, "arrived", sentence, counts, found)
    failed = sum(finding.outcome != "passed" for finding in found)
    return Received(contract.table, "arrived", sentence, counts, len(found), failed)


def _check(connection: duckdb.DuckDBPyConnection, intake: Intake) -> list[Finding]:
    # Great Expectations takes seconds to import: only where there is something to check.
    from flows.contracts import checks

    found = checks.check(connection, intake.contract)
    checks.refuse_broken(intake.contract, intake.day, found)
    for finding in found:
        if finding.condition:
            reason = f"{finding.expectation} on {finding.column}"
            batches.set_aside(connection, intake.contract, finding.condition, reason)
    return found


def _hold_against_manifest(intake: Intake, landed: Landed, rows: int) -> None:
    contract, day, entry = intake.contract, intake.day, intake.entry
    if entry is None and contract.source == "file":
        raise ManifestDiffers(
            f"{contract.table} for {day} came, but the manifest does not name it. "
            f"Ask {contract.owner} which of the two is meant, then run: scv run {day}"
        )
    declared = rows if entry is None else entry.rows
    told = f"{contract.table} for {day}: the manifest says {declared:,} rows, {rows:,} came. "
    ask = f"Ask {contract.owner} to send both again, then run: scv run {day}"
    if rows < declared:
        raise FewerRows(told + ask)
    if rows > declared:
        raise ManifestDiffers(told + ask)
    if rows == 0 and contract.policy("empty") != "notify_only":
        raise NoRows(
            f"{contract.table} for {day} came with no rows, on a day that must have some. "
            f"Ask {contract.owner} to send it again, then run: scv run {day}"
        )
    landing.refuse_bytes_of_another_day(contract, day, rows, _same_bytes(intake, landed))


def _same_bytes(intake: Intake, landed: Landed) -> dt.date | None:
    query = sa.select(deliveries.c.business_date).where(
        deliveries.c.table_name == intake.contract.table,
        deliveries.c.sha256 == landed.sha256,
        deliveries.c.state == "arrived",
        deliveries.c.business_date != intake.day,
    )
    found = intake.ledger.row(query)
    return found["business_date"] if found else None


def _as_before(intake: Intake, taken: dict[str, Any]) -> Received:
    # What was sent between and refused is not what the table is now.
    mine = sa.and_(*intake.mine, deliveries.c.version > taken["version"])
    intake.ledger.change(deliveries, mine & (deliveries.c.state != "arrived"), state="withdrawn")
    query = sa.select(findings.c.outcome).where(findings.c.delivery_id == taken["id"])
    outcomes = [row["outcome"] for row in intake.ledger.rows(query)]
    counts = Counts(taken["rows_delivered"], taken["rows_accepted"], taken["rows_quarantined"])
    failed = sum(outcome != "passed" for outcome in outcomes)
    return Received(
        intake.contract.table, "arrived", taken["sentence"], counts, len(outcomes), failed, True
    )


def _record(
    intake: Intake,
    landed: Landed | None,
    state: str,
    sentence: str,
    counts: Counts | None = None,
    found: Sequence[Finding] = (),
) -> None:
    """Write one delivery and what its checks found, in one transaction."""
    aside = intake.path(intake.instance.quarantine)
    values = {
        "table_name": intake.contract.table,
        "business_date": intake.day,
        "version": intake.version,
        "state": state,
        "sentence": sentence,
        "sha256": landed and landed.sha256,
        "rows_declared": intake.entry and intake.entry.rows,
        "rows_delivered": counts and counts.delivered,
        "rows_accepted": counts and counts.accepted,
        "rows_quarantined": counts and counts.quarantined,
        "landed_path": landed and str(landed.path),
        "batch_path": counts and str(intake.path(intake.instance.batches)),
        "quarantine_path": str(aside) if aside.exists() else None,
        "received_at": now(),
    }
    with intake.ledger.write() as connection:
        key = connection.execute(sa.insert(deliveries).values(**values)).inserted_primary_key
        for finding in found:
            connection.execute(
                sa.insert(findings).values(
                    delivery_id=key[0] if key else None,
                    expectation=finding.expectation,
                    column_name=finding.column,
                    severity=finding.severity,
                    outcome=finding.outcome,
                    failing_rows=finding.failing_rows,
                    observed=finding.observed,
                )
            )
