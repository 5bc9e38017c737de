"""What the hub itself sent, read back from the receipts of its outbox as a table like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa

from flows.errors import FewerRows
from flows.intake.casting import literal
from flows.intake.sources.declared import Form
from flows.intake.sources.request import Arrived, Request
from flows.ledger import Ledger, deliveries, occurrences


def fetch(request: Request) -> Arrived:
    """Bring the receipts of every occurrence sent before the date and not taken in yet.

    Raises:
        FewerRows: when the receipts have not as many customers as the ledger says were sent to.
    """
    sent = _sent(Ledger(request.instance.ledger_url), request)
    target = request.folder / f"{request.table}.parquet"
    rows = _write([f"{row['path']}.receipt.parquet" for row in sent], target)
    expected = sum(row["chosen"] + row["control"] for row in sent)
    if rows < expected:
        raise FewerRows(
            f"{request.table} for {request.day}: the ledger says {expected:,} customers were "
            f"written to or held back, the receipts in {request.instance.outbox} have {rows:,}. "
            f"Bring the receipts back from the backup, {request.again}"
        )
    return Arrived((target,), Form(format="parquet", as_text=True))


def _sent(ledger: Ledger, request: Request) -> list[Any]:
    last = sa.select(sa.func.max(deliveries.c.business_date).label("last")).where(
        deliveries.c.table_name == request.table,
        deliveries.c.taken,
        deliveries.c.business_date < request.day,
    )
    since = (ledger.row(last) or {}).get("last") or request.day.min
    query = (
        sa.select(occurrences)
        .where(occurrences.c.state == "sent")
        .where(occurrences.c.business_date >= since, occurrences.c.business_date < request.day)
        .order_by(occurrences.c.business_date, occurrences.c.campaign_id)
    )
    return ledger.rows(query)


# As dispatch writes them: the columns of an outbox that has no receipts yet.
COLUMNS = "campaign_id, occurrence_date, customer_id, channel, is_control"


def _write(receipts: list[str], target: Path) -> int:
    paths = ", ".join(literal(receipt) for receipt in receipts)
    nothing = ", ".join(f"cast(null as varchar) as {name}" for name in COLUMNS.split(", "))
    query = (
        f"select {COLUMNS} from read_parquet([{paths}])"
        if receipts
        else f"select {nothing} where false"
    )
    with duckdb.connect() as connection:
        copied = connection.execute(f"copy ({query}) to {literal(str(target))} (format parquet)")
        return int(copied.fetchall()[0][0])
