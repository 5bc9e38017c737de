"""Play a drawn history with the small client: its batches move, its builds are made by dbt."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from flows.ledger import Ledger
from flows.settings import Instance
from tests.builds.batches import Batches
from tests.builds.histories import EARLIER, MOVED, OTHER_VALUES, PRODUCTS, Correction, Night
from tests.builds.miniature import START, Dbt, cut

EVERYTHING = ("build", "--no-write-json", "--exclude-resource-type", "unit_test", "test")
LAST_NIGHT = (*EVERYTHING, "--select", "intermediate", "marts")
# Only these models take rows over from the base. The rest is made of them, and made anew each
# night; it is built on the last one.
NIGHT = (*EVERYTHING, "--select", "intermediate", "customer_affinity", "customer_stores")


@dataclass(frozen=True, repr=False)
class Miniature:
    """The small client: where it stands, its customers by place, and dbt at work."""

    root: Path
    customers: list[int]
    dbt: Dbt

    @classmethod
    def make(cls, world: Path, root: Path, patched: pytest.MonkeyPatch) -> Miniature:
        """Cut it from the world, and build its first date from nothing."""
        batches = _batches_in(root / "whole")
        customers = cut(world, batches)
        # Every build is made in one place, to which dbt's parse of the project is bound.
        build = _batches_in(root / "playing").build_file
        patched.setenv("SCV_BUILD", str(build))
        patched.setenv("SCV_THREADS", "2")
        made = cls(root, customers, Dbt(root / "dbt"))
        first = Batches(_batches_in(root / "playing").instance, batches.ledger)
        first.pin("first", START, None, "code 0", first.verdicts(START))
        made.dbt.run(EVERYTHING)
        build.rename(root / "first.duckdb")
        # The ledger is copied for each history.
        batches.ledger.engine.dispose()
        return made

    def play(self) -> Play:
        """Begin a history, in place of the one before."""
        shutil.rmtree(self.root / "playing")
        whole = _instance(self.root / "whole")
        playing = _instance(self.root / "playing")
        playing.root.mkdir(parents=True)
        for path in whole.root.glob("ledger.sqlite*"):
            shutil.copy(path, playing.root)
        batches = _batches_in(self.root / "playing")
        return Play(self, batches, [(START, self.root / "first.duckdb")])

    def first_version(self, table: str, day: dt.date | str) -> str:
        """What came first of a batch, to read from."""
        path = _instance(self.root / "whole").batches / table / f"batch_date={day}" / "v1.parquet"
        return f"read_parquet('{path}', hive_partitioning = false)"


@dataclass
class Play:
    """A history as it is played: its builds so far, and what is still to come."""

    miniature: Miniature
    batches: Batches
    builds: list[tuple[dt.date, Path]]
    code: int = 0
    absent: set[tuple[str, dt.date]] = field(default_factory=set)
    held_back: list[tuple[str, str]] = field(default_factory=list)

    def night(self, night: Night, is_last: bool) -> tuple[Path, Path]:
        """Let a night's batches come; build its day on its base, and once more from nothing."""
        number = len(self.builds)
        # The first date has no night before it on which it could be built again.
        day = self.builds[-1][0] + dt.timedelta(days=night.days_on or number == 1)
        if night.late_ones_come:
            self._deliver_late_ones(day)
        if day > self.builds[-1][0]:
            for table, amount in night.amounts.items():
                self._deliver(table, day, amount)
        for correction in night.corrections:
            self._correct(correction, day)
        self._decide(night, day, number)
        self.code += night.new_code
        older = [path for built, path in self.builds if built < day]
        base = older[max(-len(older), -1 - night.older_base)]
        command = LAST_NIGHT if is_last else NIGHT
        made = self._build(f"night-{number}", day, base, command)
        self.builds.append((day, made))
        return made, self._build("whole", day, base, [*command, "--full-refresh"])

    def _build(self, name: str, day: dt.date, base: Path, command: Sequence[str]) -> Path:
        batches = self.batches
        target = batches.pin(name, day, base, f"code {self.code}", batches.verdicts(day))
        self.miniature.dbt.run(command)
        return target.rename(target.with_name(f"{name}.duckdb"))

    def _deliver_late_ones(self, day: dt.date) -> None:
        for batch in self.absent:
            self.batches.bring(*batch)
        for table, late in self.held_back:
            self.batches.replace(table, day, f"from {{batch}} union all by name {late}")
        self.absent.clear()
        self.held_back.clear()

    def _deliver(self, table: str, day: dt.date, amount: str) -> None:
        rows = f"from {self.miniature.first_version(table, day)} as line"
        if amount == "absent":
            self._withhold(table, day)
        else:
            comes = "hash(line) % 2 = 0" if amount == "some" else "false"
            self.batches.correct(table, day, rows=f"as line where {comes}")
            self.held_back.append((table, f"({rows} where not ({comes}))"))

    def _withhold(self, table: str, day: dt.date) -> None:
        self.batches.hide(table, day)
        self.absent.add((table, day))

    def _correct(self, correction: Correction, day: dt.date) -> None:
        table, kind = correction.table, correction.to
        then = max(START, day - dt.timedelta(days=correction.back))
        if kind == "withdrawn":
            self._withhold(table, then)
        elif kind == "restored":
            self.batches.replace(table, then, f"from {self.miniature.first_version(table, then)}")
        elif kind in ("empty", "fewer"):
            where = "false" if kind == "empty" else "hash(line) % 3 <> 0"
            self.batches.correct(table, then, rows=f"as line where {where}")
        elif kind == "moved" and table in MOVED:
            column, others = MOVED[table], self.miniature.customers
            other = f"{others}[list_position({others}, {column}) % {len(others)} + 1]"
            moved = f"if(hash(line) % 2 = 0, coalesce({other}, {column}), {column}) as {column}"
            self.batches.correct(table, then, moved, "as line")
        else:
            changed = (EARLIER if kind == "earlier" else OTHER_VALUES)[table]
            self.batches.correct(table, then, changed)

    def _decide(self, night: Night, day: dt.date, number: int) -> None:
        """Let the client merge and part records, close and open accounts, group products."""
        customers = self.miniature.customers
        for record, into in night.merges.items():
            target = "null" if into is None else customers[into]
            self._add_row(
                "household_merges",
                day,
                f"select {customers[record]} as household_id, "
                f"cast({target} as bigint) as merged_into_household_id, "
                f"timestamp '{day} 12:{number:02d}:00' as merged_at",
            )
        for place, is_closed in night.closed.items():
            at = f"timestamp '{day} 13:{number:02d}:00'"
            since = at if is_closed else "cast(null as timestamp)"
            self._add_row(
                "households",
                day,
                f"select * replace ({since} as deleted_at, {at} as updated_at) "
                f"from {self.miniature.first_version('households', '*')} "
                f"where household_id = {customers[place]} "
                "qualify row_number() over (order by updated_at desc) = 1",
            )
        if night.products:
            first = self.miniature.first_version("products", START)
            bring = (
                self.batches.replace if self.batches.has("products", day) else self.batches.deliver
            )
            bring("products", day, PRODUCTS[night.products].format(batch=first))

    def _add_row(self, table: str, day: dt.date, row: str) -> None:
        self.batches.replace(table, day, f"from {{batch}} union all by name {row}")


def _instance(folder: Path) -> Instance:
    return Instance(warehouse=folder, deliveries=folder / "deliveries")


def _batches_in(folder: Path) -> Batches:
    instance = _instance(folder)
    return Batches(instance, Ledger(instance.ledger_url))
