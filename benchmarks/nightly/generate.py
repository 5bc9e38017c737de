"""Makes the client: its history as accepted batches, and each night's delivery as files.

Taking two years in through the intake would cost hours and prove nothing about a night, so the
history is written as the intake would have left it: one batch a table, and its row in the ledger.

The same size gives the same rows of history, in an order that threads decide, for sorting hundreds
of millions would cost more than making them; and the same bytes of each delivery.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.nightly.delivery import write_delivery
from benchmarks.nightly.pool import keep_recent, open_pool
from benchmarks.nightly.size import HISTORY_END, Size
from benchmarks.nightly.tables import BEGINNING, rows_of
from flows.contracts.contract import Contract
from flows.contracts.files import read_contracts
from flows.intake import history
from flows.intake.casting import literal
from flows.intake.landing import digest
from flows.ledger import Ledger
from flows.settings import Instance

MEMORY = "6GB"


def generate(instance: Instance, size: Size, days: list[dt.date], spill: Path) -> dict[str, int]:
    """Write the history and a delivery for each of the days; return the history's rows by table."""
    contracts = read_contracts()
    with open_pool(size, MEMORY, instance.threads, spill) as pool:
        ledger = Ledger(instance.ledger_url)
        rows = {
            name: _write_history(pool, instance, ledger, contract, size)
            for name, contract in contracts.items()
        }
        _announce_the_history(instance)
        keep_recent(pool)
        for day in days:
            write_delivery(pool, instance, contracts, size, day)
    return rows


def _write_history(
    pool: duckdb.DuckDBPyConnection,
    instance: Instance,
    ledger: Ledger,
    contract: Contract,
    size: Size,
) -> int:
    path = instance.batches / contract.table / f"batch_date={HISTORY_END}" / "v1.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    query = rows_of(contract, size, BEGINNING, HISTORY_END)
    copied = pool.execute(
        f"copy ({query}) to {literal(str(path))} (format parquet, compression zstd)"
    )
    rows = int(copied.fetchall()[0][0])
    path.chmod(0o444)
    history.record(ledger, _as_taken(contract, path, rows), (), ())
    return rows


def _as_taken(contract: Contract, path: Path, rows: int) -> dict[str, Any]:
    return {
        "table_name": contract.table,
        "business_date": HISTORY_END,
        "version": 1,
        "state": "arrived",
        "taken": True,
        "is_initial": True,
        "sentence": "Written by the benchmark, as the intake would have written it.",
        "sha256": digest(path),
        "parts": 1,
        "rows_declared": rows,
        "rows_delivered": rows,
        "rows_accepted": rows,
        "rows_quarantined": 0,
        "batch_path": str(path),
    }


def _announce_the_history(instance: Instance) -> None:
    """Write the manifest of an initial delivery, all of which has been taken in."""
    folder = instance.deliveries / HISTORY_END.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    told = {
        "client": instance.client,
        "business_date": HISTORY_END.isoformat(),
        "initial": True,
        "tables": [],
    }
    (folder / "manifest.json").write_text(json.dumps(told, indent=2) + "\n")
