"""A client with one table, whose files are received as the night receives them, without a night."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from flows.contracts.contract import Contract
from flows.intake.intake import Intake, Received
from flows.intake.manifest import Manifest
from flows.intake.quarantine import Desk
from flows.intake.receive import receive
from flows.intake.sources.declared import Files, FileTable
from flows.ledger import Ledger, Row, deliveries
from flows.settings import Instance
from tests.intake.desk import DAY


class Shop:
    """An instance of the test's own in a folder, with one contract and one table of files."""

    def __init__(self, folder: Path, contract: Contract, **form: Any) -> None:
        self.contract = contract
        self.instance = Instance(
            warehouse=folder / "warehouse", deliveries=folder / "deliveries", intake_memory="500MB"
        )
        self.ledger = Ledger(self.instance.ledger_url)
        told = {"format": "csv", "path": "{business_date}/visits", "in_manifest": False} | form
        table = FileTable(**told)
        self.source = Files(kind="files", description="A shop.", tables={contract.table: table})

    def send(self, content: str | bytes, day: dt.date = DAY) -> None:
        """Put a file where the shop's source says that it comes."""
        file = self.instance.deliveries / str(day) / "visits"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    def receive(self, day: dt.date = DAY, **change: Any) -> Received:
        """Receive what was sent for a date."""
        intake = Intake(
            self.instance,
            self.ledger,
            self.contract,
            self.source,
            day,
            Manifest(client="a shop", business_date=day, tables=()),
        )
        return receive(replace(intake, **change))

    @property
    def desk(self) -> Desk:
        """The quarantine of the one date."""
        return Desk(self.instance, self.ledger, self.contract, DAY)

    @property
    def newest(self) -> Row:
        """The newest delivery in the ledger."""
        found = self.ledger.row(sa.select(deliveries).order_by(deliveries.c.id.desc()))
        assert found is not None
        return found

    def path(self, room: str, version: int, day: dt.date = DAY) -> Path:
        """Where the Parquet file of a version stands, or would."""
        name = f"v{version}.parquet"
        return self.instance.root / room / self.contract.table / f"batch_date={day}" / name
