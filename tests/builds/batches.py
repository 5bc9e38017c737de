"""The accepted batches of an instance, as a test moves them, and builds made of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa

from flows.builds import dbt, fingerprints, fork, pins
from flows.contracts.files import read_contracts
from flows.contracts.policy import Verdict, decide
from flows.intake import history
from flows.ledger import Ledger, deliveries, now
from flows.settings import Instance

Prints = dict[str, tuple[int, str]]

CONTRACTS = read_contracts()

EVERYTHING = ("build", "--exclude-resource-type", "unit_test")
# Nothing is taken over; what is told of the base, such as yesterday's segments, stays told.
ANEW = (*EVERYTHING, "--full-refresh")
# The marts are made anew each night: equal intermediate models are equal views.
KEPT = ("build", "--exclude-resource-type", "unit_test", "test", "--select", "+models/intermediate")


@dataclass(frozen=True)
class Batches:
    """The accepted batches of an instance, as a test moves them, and builds made of them."""

    instance: Instance
    ledger: Ledger

    @property
    def build_file(self) -> Path:
        """Where every build is made; dbt's parse of the project is bound to the place."""
        return self.instance.root / "again.duckdb"

    def deliver(self, table: str, day: dt.date, query: str) -> None:
        """Deliver the first version of a batch."""
        row = {"table_name": table, "business_date": day, "taken": True, "state": "arrived"}
        self._add(row | {"received_at": now()}, 1, query)

    def correct(self, table: str, day: dt.date, changed: str = "", rows: str = "") -> None:
        """Deliver another version of a batch: with other values, or not all of its rows."""
        replaced = f"replace ({changed})" if changed else ""
        self.replace(table, day, f"select * {replaced} from {{batch}} {rows}")

    def replace(self, table: str, day: dt.date, query: str) -> None:
        """Deliver another version of a batch: what a query makes of `{batch}`."""
        row = self._newest(table, day)
        batch = f"read_parquet('{row['batch_path']}', hive_partitioning = false)"
        self._add(row, row["version"] + 1, query.format(batch=batch))

    def hide(self, table: str, day: dt.date) -> None:
        """Let a batch not have come."""
        self._move(table, day, taken=False)

    def bring(self, table: str, day: dt.date) -> None:
        """Let a hidden batch come after all."""
        self._move(table, day, taken=True)

    def has(self, table: str, day: dt.date) -> bool:
        """True when a batch is there, hidden or not."""
        return bool(self._newest(table, day))

    def build(
        self,
        name: str,
        day: dt.date,
        on: Path | None,
        command: Sequence[str] = KEPT,
        code: str = "any",
    ) -> tuple[Path, Prints]:
        """Make a day's models on a base, or from nothing; only the same code carries rows on."""
        arrived = [decide(each, day, "arrived", "", day) for each in CONTRACTS.values()]
        target = self.pin(name, day, on, code, arrived)
        prints = self.run(target, command)
        return target.rename(target.with_name(f"{name}.duckdb")), prints

    def pin(
        self, name: str, day: dt.date, on: Path | None, code: str, verdicts: Sequence[Verdict]
    ) -> Path:
        """Return a copy of a base in which the batches of a day are pinned."""
        target = self.build_file
        fork.fork(on, target)
        pinned = pins.choose(self.ledger, CONTRACTS, verdicts)
        pins.pin(target, pins.Clock(name, day, code, None), pinned)
        return target

    def verdicts(self, day: dt.date) -> list[Verdict]:
        """What the policies say of a day: of each table whether it has come, and what else."""
        return [
            decide(
                contract,
                day,
                "arrived" if last == day else "missing",
                "It did not come.",
                last,
                gap=history.first_gap(self.ledger, table, day),
            )
            for table, contract in CONTRACTS.items()
            for last in [history.last_good(self.ledger, table, day)]
        ]

    def run(self, target: Path, command: Sequence[str] = KEPT) -> Prints:
        """Run dbt in a build that is pinned."""
        dbt.run(self.instance, target, list(command))
        found = fingerprints.take(target).items()
        return {
            name: told for name, told in found if command in (EVERYTHING, ANEW) or _is_kept(name)
        }

    def path(self, table: str, day: dt.date) -> str:
        """Where the newest version of a batch is."""
        return str(self._newest(table, day)["batch_path"])

    def _newest(self, table: str, day: dt.date) -> dict[str, Any]:
        mine = (deliveries.c.table_name == table) & (deliveries.c.business_date == day)
        query = sa.select(deliveries).where(mine).order_by(deliveries.c.version.desc())
        return dict(self.ledger.row(query) or {})

    def _add(self, row: dict[str, Any], version: int, query: str) -> None:
        table, day = row["table_name"], row["business_date"]
        # In the test's own place: the ledger's paths may be those of the world.
        path = self.instance.batches / table / f"batch_date={day}" / f"v{version}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            connection.execute(f"copy ({query}) to '{path}' (format parquet)")
        row.pop("id", None)
        row |= {"version": version, "batch_path": str(path), "sha256": f"{table} {day} {version}"}
        self.ledger.add(deliveries, **row)

    def _move(self, table: str, day: dt.date, taken: bool) -> None:
        mine = (deliveries.c.table_name == table) & (deliveries.c.business_date == day)
        self.ledger.change(deliveries, mine, taken=taken)


def _is_kept(name: str) -> bool:
    return name.startswith("intermediate.")
