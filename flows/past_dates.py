"""What of earlier dates is taken in: tables that came late, and files that were corrected.

A corrected file is a new version of its delivery; the old one stays. The build of the next night
takes both kinds into the past days that they belong to.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from flows import slots
from flows.contracts.contract import Contract
from flows.contracts.files import read_contracts
from flows.errors import CorrectionRefused, SettingsWrong
from flows.intake import history
from flows.intake.intake import Intake, Received
from flows.intake.manifest import Manifest, is_delivered, no_manifest, read_manifest
from flows.intake.receive import receive
from flows.intake.sources.declared import read_sources, source_of
from flows.ledger import Ledger
from flows.settings import Instance
from flows.summary import latest_day


def is_in_manifest(source: Any, table: str) -> bool:
    """True when the client's manifest names every delivery of a table."""
    return bool(getattr(source.tables[table], "in_manifest", False))


def of_past_dates(
    instance: Instance, ledger: Ledger, contract: Contract, source: Any, day: dt.date
) -> list[Intake]:
    """Return what is to be taken in of a delta table for dates before `day`."""
    if contract.load != "delta":
        return []
    dates = [
        date
        for date in history.still_missing(ledger, contract.table, day)
        if is_delivered(instance, date) or not is_in_manifest(source, contract.table)
    ]
    dates += _corrected(instance, ledger, contract, source, day)
    return [
        Intake(
            instance, ledger, contract, source, date, manifest_for(instance, contract, source, date)
        )
        for date in sorted(set(dates))
    ]


def receive_again(instance: Instance, table: str, day: dt.date) -> Received:
    """Take in one table of a date once more: what came late or corrected, or asked for anew.

    Raises:
        SettingsWrong: when there is no such table.
        CorrectionRefused: when the date is further back than the contract lets a correction reach.
        InstanceBusy: while a batch is running.
    """
    contracts, ledger = read_contracts(), Ledger(instance.ledger_url)
    if table not in contracts:
        raise SettingsWrong(f"There is no contract for {table}. There are: {', '.join(contracts)}.")
    contract = contracts[table]
    _refuse_too_far_back(ledger, contract, day)
    source = source_of(read_sources(), contract)
    manifest = manifest_for(instance, contract, source, day)
    with slots.hold(instance, ledger, f"taking in {table} for {day}"):
        return receive(Intake(instance, ledger, contract, source, day, manifest, again=True))


def _corrected(
    instance: Instance, ledger: Ledger, contract: Contract, source: Any, day: dt.date
) -> list[dt.date]:
    """Return the dates for which the client's manifest now names other bytes than were taken."""
    if not is_in_manifest(source, contract.table):
        return []
    found = []
    for days in range(1, contract.reaches_back_days + 1):
        date = day - dt.timedelta(days=days)
        taken = history.accepted_delivery(ledger, contract.table, date)
        if taken is None or not is_delivered(instance, date):
            continue
        entry = read_manifest(instance, date).entry(contract.table)
        if entry is not None and entry.sha256_of_all not in (None, taken["sha256"]):
            found.append(date)
    return found


def manifest_for(instance: Instance, contract: Contract, source: Any, day: dt.date) -> Manifest:
    """Return what the client says of a date, where it says anything of the table."""
    named = is_in_manifest(source, contract.table)
    return read_manifest(instance, day) if named else no_manifest(instance, day)


def _refuse_too_far_back(ledger: Ledger, contract: Contract, day: dt.date) -> None:
    last = latest_day(ledger)
    if last is not None and (last - day).days > contract.reaches_back_days:
        raise CorrectionRefused(
            f"{contract.table} for {day} is {(last - day).days} days back, and by contract a "
            f"correction reaches back {contract.reaches_back_days} (late_rows_days, "
            f"{contract.decided}). If it must be, the contract comes first: a change request."
        )
