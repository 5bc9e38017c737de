"""What came, held against what was promised: in the manifest, by the calendar, for the date."""

from __future__ import annotations

from flows.errors import AlreadyDelivered, FewerRows, ManifestDiffers, NoRows
from flows.intake import history
from flows.intake.intake import Intake
from flows.intake.landing import Landed


def hold_against(intake: Intake, rows: int) -> None:
    """Hold the number of rows of a delivery against its manifest and its calendar.

    Raises:
        ManifestDiffers: when the manifest does not name it, or says fewer rows.
        FewerRows: when it says more.
        NoRows: when there are none, on a day that must have some.
    """
    contract, day, entry = intake.contract, intake.day, intake.entry
    if entry is None and intake.must_be_named:
        raise ManifestDiffers(
            f"{contract.table} for {day} came, but the manifest does not name it. "
            f"Ask {contract.owner} which of the two is meant, then run: scv run {day}"
        )
    declared = rows if entry is None else entry.rows
    told = f"{contract.table} for {day}: the manifest says {declared:,} rows, {rows:,} came. "
    ask = f"Ask {contract.owner} to send both again, then run: scv run {day}"
    if rows < declared:
        raise FewerRows(told + ask)
    # After days without a batch a database is asked for all of them; its manifest counts the last.
    asked_for_more = intake.asked_from is not None and intake.asked_from < day
    if rows > declared and not (asked_for_more and intake.is_asked_once):
        raise ManifestDiffers(told + ask)
    if rows == 0 and intake.due == "delivery":
        raise NoRows(
            f"{contract.table} for {day} came with no rows, on a day that must have some. "
            f"Ask {contract.owner} to send it again, then run: scv run {day}"
        )


def refuse_bytes_of_another_day(intake: Intake, landed: Landed) -> None:
    """Refuse a delta that has come before, for another date.

    Raises:
        AlreadyDelivered: with that date.
    """
    contract, day = intake.contract, intake.day
    # A full table may repeat itself, and so may an empty one; a delta cannot.
    if contract.load != "delta":
        return
    other = history.date_of_same_bytes(intake.ledger, contract.table, day, landed.sha256)
    if other is not None:
        raise AlreadyDelivered(
            f"{contract.table} for {day} is byte for byte the delivery of {other}: nothing of "
            f"it was taken. Ask {contract.owner} for the rows of {day}, then run: scv run {day}"
        )
