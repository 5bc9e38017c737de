"""One table taken in and judged without the night around it: a second instead of half a minute."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from flows.contracts.calendar import expected, read_calendar
from flows.contracts.contract import Contract
from flows.contracts.files import read_contracts
from flows.contracts.policy import Verdict
from flows.intake.intake import Intake, Received
from flows.intake.manifest import is_delivered, no_manifest, read_manifest
from flows.intake.receive import receive
from flows.intake.sources.declared import read_sources, source_of
from flows.ledger import Ledger, deliveries, now
from flows.settings import Instance
from flows.tables import judge
from tests.flows.spoiling import DAY


def intake_of(
    instance: Instance, ledger: Ledger, table: str, day: dt.date = DAY, **decided: Any
) -> Intake:
    """Return what the night would ask for, under a contract that decided otherwise."""
    contract = read_contracts()[table].model_copy(update=decided)
    source = source_of(read_sources(), contract)
    manifest = (
        read_manifest(instance, day) if is_delivered(instance, day) else no_manifest(instance, day)
    )
    due = expected(contract, read_calendar(), day)
    return Intake(instance, ledger, contract, source, day, manifest, due)


def taken_in(
    instance: Instance, ledger: Ledger, table: str, day: dt.date = DAY, **decided: Any
) -> Received:
    """Take in one table of a date."""
    return receive(intake_of(instance, ledger, table, day, **decided))


def judged(intake: Intake, received: Received) -> Verdict:
    """Return what the night would decide on one table."""
    contracts: Mapping[str, Contract] = {intake.contract.table: intake.contract}
    return judge.fn(intake.instance, intake.ledger, contracts, [received], intake.day)[0]


def deliver_weeks(ledger: Ledger, table: str, day: dt.date, rows: list[int]) -> None:
    """Write down what was taken on the same weekday of the weeks before, the last one first."""
    for week, count in enumerate(rows, start=1):
        ledger.add(
            deliveries,
            table_name=table,
            business_date=day - dt.timedelta(weeks=week),
            version=1,
            state="arrived",
            taken=True,
            rows_delivered=count,
            rows_accepted=count,
            rows_quarantined=0,
            received_at=now(),
        )
