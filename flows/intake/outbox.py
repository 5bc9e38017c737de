"""What the hub itself sent, read back from the receipts of its outbox as a table like any other."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import sqlalchemy as sa

from flows.contracts.contract import Contract
from flows.errors import FewerRows
from flows.intake.casting import identifier, literal
from flows.intake.landing import Landed, arrive, keep
from flows.ledger import Ledger, deliveries, occurrences
from flows.settings import Instance


def collect(instance: Instance, ledger: Ledger, contract: Contract, day: dt.date) -> Landed:
    """Land the receipts of every occurrence sent before `day` and not taken in yet.

    Raises:
        FewerRows: when the receipts have not as many customers as the ledger says were sent to.
    """
    sent = _sent(ledger, contract, day)
    arriving = arrive(instance, contract, day)
    rows = _write(contract, [f"{row['path']}.receipt.parquet" for row in sent], str(arriving))
    expected = sum(row["chosen"] + row["control"] for row in sent)
    if rows < expected:
        raise FewerRows(
            f"{contract.table} for {day}: the ledger says {expected:,} customers were written to "
            f"or held back, the receipts in {instance.outbox} have {rows:,}. Bring the receipts "
            f"back from the backup, then run: scv run {day}"
        )
    return keep(arriving, f"{contract.table}.parquet")


def _sent(ledger: Ledger, contract: Contract, day: dt.date) -> list[Any]:
    last = sa.select(sa.func.max(deliveries.c.business_date).label("last")).where(
        deliveries.c.table_name == contract.table,
        deliveries.c.state == "arrived",
        deliveries.c.business_date < day,
    )
    since = (ledger.row(last) or {}).get("last") or dt.date.min
    query = (
        sa.select(occurrences)
        .where(occurrences.c.state == "sent")
        .where(occurrences.c.business_date >= since, occurrences.c.business_date < day)
        .order_by(occurrences.c.business_date, occurrences.c.campaign_id)
    )
    return ledger.rows(query)


def _write(contract: Contract, receipts: list[str], target: str) -> int:
    names = ", ".join(
        f"cast({identifier(n)} as varchar) as {identifier(n)}" for n in contract.names
    )
    paths = ", ".join(literal(receipt) for receipt in receipts)
    empty = ", ".join(f"cast(null as varchar) as {identifier(n)}" for n in contract.names)
    query = (
        f"select {names} from read_parquet([{paths}])"
        if receipts
        else f"select {empty} where false"
    )
    with duckdb.connect() as connection:
        copied = connection.execute(f"copy ({query}) to {literal(target)} (format parquet)")
        return int(copied.fetchall()[0][0])
