"""One table of one business date: from where the client put it to a typed batch, or a reason.

Fetch, land, read, cast, check, write. Whatever refuses the delivery is written to the ledger as
its state with a sentence; what was taken before stays as it was. Running it again takes nothing
twice: a batch that is there is kept, other bytes for the same date are a new version of it.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from flows.errors import (
    ColumnsDiffer,
    DeliveryRefused,
    FileBroken,
    NoMemory,
    NoSpace,
)
from flows.intake import announced, bands, batches, history, landing, snapshots
from flows.intake.batches import Counts
from flows.intake.columns import Drift
from flows.intake.intake import Intake, Received
from flows.intake.landing import Landed
from flows.intake.reading import reader
from flows.intake.reading.delivery import workbench
from flows.intake.sorting import Sorting
from flows.intake.sources.declared import FileTable
from flows.intake.sources.fetching import fetch
from flows.intake.sources.files import prove_whole
from flows.intake.space import room
from flows.ledger import Row

if TYPE_CHECKING:
    from flows.contracts.checks import Finding


def receive(intake: Intake, *, awaited: bool = False) -> Received:
    """Take in one table of a business date and write down what became of it.

    With `awaited`, a table that may still come is not written off: its state is `late`.

    Raises:
        ContractWrong: when the contract itself cannot be kept. A refused delivery does not raise:
            it is a state, and the policy says what follows.
    """
    held = history.held(intake.ledger, intake.contract.table, intake.day)
    if held and intake.is_asked_once:
        return _as_before(intake, held)
    # What an attempt that broke off set aside is of bytes that may be others by now.
    intake.path(intake.instance.quarantine).unlink(missing_ok=True)
    landed: Landed | None = None
    try:
        with room(intake.instance.root, intake.day):
            landed = landing.keep(intake.request, fetch(intake.source, intake.request))
            if held and held["sha256"] == landed.sha256:
                return _as_before(intake, held, landed)
            return _admit(intake, landed)
    except DeliveryRefused as refused:
        if held and refused.state == "missing":
            return _as_before(intake, held)
        if refused.state == "missing" and intake.due == "nothing":
            return _not_due(intake)
        if awaited and refused.may_still_come:
            return Received(intake.contract.table, "late", str(refused))
        _record(intake, landed, refused.state, str(refused), found=refused.found)
        return Received(intake.contract.table, refused.state, str(refused))


def _not_due(intake: Intake) -> Received:
    sentence = f"{intake.contract.table} is not due on {intake.day}, by its calendar."
    return Received(intake.contract.table, "not_due", sentence)


def _admit(intake: Intake, landed: Landed) -> Received:
    contract, instance = intake.contract, intake.instance
    spill = instance.root / "spill" / f"{contract.table}-{intake.day}"
    spill.mkdir(parents=True, exist_ok=True)
    try:
        with workbench(instance.intake_memory, instance.threads, str(spill)) as connection:
            return _take(intake, landed, connection, spill)
    except duckdb.Error as error:
        if _is_full(error):
            raise NoSpace.on(instance.root, intake.day) from None
        if isinstance(error, duckdb.OutOfMemoryException):
            raise NoMemory(
                f"{contract.table} for {intake.day} needs more memory than the intake may use "
                f"(SCV_INTAKE_MEMORY, {instance.intake_memory}), and nothing of it was kept. Set "
                f"it higher, then run: scv run {intake.day}"
            ) from None
        raise
    finally:
        shutil.rmtree(spill, ignore_errors=True)


def _is_full(error: Exception) -> bool:
    if not isinstance(error, duckdb.Error):
        return False
    told = str(error).lower()
    words = [os.strerror(number).lower() for number in NoSpace.NUMBERS]
    return "max_temp_directory_size" in told or any(word in told for word in words)


def _take(
    intake: Intake, landed: Landed, connection: duckdb.DuckDBPyConnection, spill: Path
) -> Received:
    contract, instance = intake.contract, intake.instance
    if intake.entry is not None:
        landing.hold_against(intake.request, intake.entry, landed)
    announced.refuse_bytes_of_another_day(intake, landed)
    if contract.load == "snapshot":
        newest = history.last_good(intake.ledger, contract.table, dt.date.max)
        snapshots.refuse_overtaken(contract, intake.day, newest)
    sorting, drifts = _sort(intake, _proved(intake, landed, spill), connection, spill)
    announced.hold_against(intake, sorting.delivered)
    found = _check(sorting, intake)
    counts = sorting.count()
    reasons = batches.common_reasons(connection)
    if counts.quarantined:
        # Before the delivery may be refused for them: a person must be able to look.
        sorting.write_quarantine(intake.path(instance.quarantine))
    batches.refuse_too_many(contract, intake.day, counts, reasons)
    said = [str(drift) for drift in drifts]
    if counts.quarantined:
        said.append(f"{counts.quarantined:,} rows set aside ({reasons})")
    changed = _write_batch(intake, sorting)
    state, outside = _band(intake, counts)
    sentence = "; ".join([*([outside] if outside else []), *said])
    _record(intake, landed, state, sentence, counts, found, drifts, changed)
    failed = sum(finding.outcome != "passed" for finding in found)
    return Received(contract.table, state, sentence, counts, len(found), failed)


def _proved(intake: Intake, landed: Landed, spill: Path) -> Landed:
    """Prove that every landed file is whole; what is packed text is read unpacked from here on."""
    table = intake.source.tables[intake.contract.table]
    if not isinstance(table, FileTable):
        return landed
    parts = tuple(prove_whole(part, table, intake.request, spill) for part in landed.parts)
    return replace(landed, parts=parts, form=landed.form.model_copy(update={"compression": None}))


def _sort(
    intake: Intake, landed: Landed, connection: duckdb.DuckDBPyConnection, spill: Path
) -> tuple[Sorting, list[Drift]]:
    try:
        delivery = reader.read(connection, intake.contract, landed, spill)
        typed = spill / "typed.parquet"
        sorting = Sorting(connection, intake.contract, delivery, intake.span, typed)
        return sorting, [*delivery.drifts, *sorting.run()]
    except (ColumnsDiffer, FileBroken, duckdb.Error) as error:
        if isinstance(error, duckdb.OutOfMemoryException) or _is_full(error):
            # No fault of the file: what it is a lack of is told by whoever gave the room.
            raise
        raise reader.told(intake.contract, landed, intake.day, error) from None


def _write_batch(intake: Intake, sorting: Sorting) -> int | None:
    contract, instance = intake.contract, intake.instance
    if contract.load != "snapshot":
        sorting.write_batch(intake.path(instance.batches))
        return None
    last = history.last_snapshot(intake.ledger, contract.table, intake.day)
    reduced = snapshots.reduce(
        sorting.connection,
        contract,
        intake.day,
        instance.snapshot_of(contract.table, *last) if last else None,
        instance.snapshot_of(contract.table, intake.day, intake.version),
    )
    batches.write(sorting.connection, "changes", intake.path(instance.batches))
    return reduced.changed + reduced.deleted


def _band(intake: Intake, counts: Counts) -> tuple[str, str | None]:
    contract = intake.contract
    may_be_small = intake.due != "delivery" and counts.accepted == 0
    if intake.manifest.initial or may_be_small:
        return "arrived", None
    usual = history.same_weekdays(
        intake.ledger, contract.table, intake.day, contract.row_band_weeks
    )
    outside = bands.out_of_band(contract, intake.day, counts.accepted, usual)
    return ("out_of_band", outside) if outside else ("arrived", None)


def _check(sorting: Sorting, intake: Intake) -> list[Finding]:
    if not intake.contract.expectations:
        return []
    # Great Expectations takes seconds to import: only where there is something to check.
    from flows.contracts import checks

    found = checks.check(sorting.connection, intake.contract)
    if sorting.delivered or intake.due == "delivery":
        checks.refuse_broken(intake.contract, intake.day, found)
    for finding in found:
        if finding.condition:
            sorting.set_aside(finding.condition, f"{finding.expectation} on {finding.column}")
    return found


def _as_before(intake: Intake, held: Row, landed: Landed | None = None) -> Received:
    table = intake.contract.table
    history.withdraw_refused(intake.ledger, table, intake.day, held["version"])
    sent_at = landed and landed.modified_at
    if sent_at and sent_at > held["received_at"].replace(tzinfo=dt.UTC):
        history.came_again(intake.ledger, held["id"])
    outcomes = history.outcomes(intake.ledger, held["id"])
    counts = Counts(held["rows_delivered"], held["rows_accepted"], held["rows_quarantined"])
    failed = sum(outcome != "passed" for outcome in outcomes)
    told = held["state"], held["sentence"], counts, len(outcomes), failed
    return Received(table, *told, taken_before=True)


def _record(
    intake: Intake,
    landed: Landed | None,
    state: str,
    sentence: str,
    counts: Counts | None = None,
    found: Sequence[Finding] = (),
    drifts: Sequence[Drift] = (),
    changed: int | None = None,
) -> None:
    aside = intake.path(intake.instance.quarantine)
    values = {
        "table_name": intake.contract.table,
        "business_date": intake.day,
        "version": intake.version,
        "state": state,
        "taken": state == "arrived",
        "is_initial": intake.manifest.initial,
        "sentence": sentence,
        "sha256": landed and landed.sha256,
        "parts": landed and len(landed.parts),
        "rows_declared": intake.entry and intake.entry.rows,
        "rows_delivered": counts and counts.delivered,
        "rows_accepted": counts and counts.accepted,
        "rows_quarantined": counts and counts.quarantined,
        "rows_changed": changed,
        "landed_path": landed and str(landed.path),
        "batch_path": counts and str(intake.path(intake.instance.batches)),
        "quarantine_path": str(aside) if aside.exists() else None,
    }
    history.record(intake.ledger, values, found, drifts)
