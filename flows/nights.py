"""One night of an instance: its row in the ledger, and the repair of what a crash left."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa

from flows import slots
from flows.builds import build, live
from flows.errors import Stopped
from flows.ledger import Ledger, nights, now
from flows.releases import deploys
from flows.settings import Instance

# What spills while another process may hold the slot: `scv diff`, and samples of a source.
WITHOUT_THE_SLOT = ("comparison-", "sample-")


@dataclass
class Night:
    """A night that is running: say which step it is at, and at the end what became of it."""

    ledger: Ledger
    night_id: int
    repaired: list[str] = field(default_factory=list)

    def step(self, name: str) -> None:
        """Write down what the night is doing now; `scv status` shows it."""
        self.ledger.change(nights, nights.c.id == self.night_id, step=name)

    def done(self, build_id: str, sentence: str) -> None:
        """Write down that the night is over and which build it published."""
        self._end("done", sentence, build_id)

    def stopped(self, sentence: str) -> None:
        """Write down why the night stopped."""
        self._end("stopped", sentence, None)

    def _end(self, state: str, sentence: str, build_id: str | None) -> None:
        self.ledger.change(
            nights,
            nights.c.id == self.night_id,
            state=state,
            sentence=sentence,
            build_id=build_id,
            ended_at=now(),
        )


@contextmanager
def open_night(instance: Instance, ledger: Ledger, day: dt.date) -> Iterator[Night]:
    """Hold the instance, repair what a crash left, and keep the row of one night.

    Raises:
        InstanceBusy: when another process holds the instance.
    """
    with slots.hold(instance, ledger, f"the night of {day}"):
        repaired = repair(instance, ledger)
        night_id = ledger.add(
            nights,
            business_date=day,
            pid=os.getpid(),
            step="starting",
            state="running",
            started_at=now(),
        )
        night = Night(ledger, night_id, repaired)
        try:
            yield night
        except Stopped as stopped:
            night.stopped(str(stopped))
            raise
        except BaseException as error:
            night.stopped(f"Ended by {type(error).__name__}: see the log. Run the date again.")
            raise


def repair(instance: Instance, ledger: Ledger) -> list[str]:
    """Bring ledger and disk together after a crash. Call with the slot held; say what was done."""
    said = []
    running = ledger.rows(sa.select(nights).where(nights.c.state == "running"))
    for row in running:
        ledger.change(
            nights,
            nights.c.id == row["id"],
            state="killed",
            sentence=f"Killed while {row['step']}.",
            ended_at=now(),
        )
        said.append(f"The night of {row['business_date']} was killed while {row['step']}.")
    repaired = live.repair(instance, ledger)
    said += [*build.repair(instance, ledger), *([repaired] if repaired else [])]
    _clear_spill(instance)
    return [*said, *deploys.repair(ledger, live.current(instance))]


def _clear_spill(instance: Instance) -> None:
    """Remove what a dead process spilled: rows of customers, which nobody would come back for."""
    spill = instance.root / "spill"
    for folder in spill.iterdir() if spill.is_dir() else ():
        if not folder.name.startswith(WITHOUT_THE_SLOT):
            shutil.rmtree(folder, ignore_errors=True)
