"""One trial: the same command killed and started again until it ends, and what was found then."""

from __future__ import annotations

import random
import subprocess
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from flows.ledger import Ledger, deploy_steps, nights
from tests.crashes.checks import Outcome, differences, ledger_and_disk_agree, live_is_whole
from tests.crashes.scenarios import Scenario

PATIENCE = 60  # seconds until every child of a killed run is gone: they take a few milliseconds
LIMIT = 600  # seconds that a run may take


@dataclass(frozen=True)
class Kill:
    """When a run is killed: at an instant that the hook counts, or after some seconds."""

    at: str = ""
    after: float | None = None


@dataclass(frozen=True)
class Attempt:
    """One start of the command: how it ended, at which step and at which instant."""

    was_killed: bool
    code: int
    step: str
    instant: str
    seconds: float
    said: str
    wrong: tuple[str, ...]


@dataclass
class Trial:
    """What came of one chain of kills."""

    attempts: list[Attempt] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def kills(self) -> list[Attempt]:
        """The starts that were killed."""
        return [each for each in self.attempts if each.was_killed]


@dataclass(frozen=True)
class Reference:
    """What an undisturbed run comes to, how long it takes, and each instant of it."""

    outcome: Outcome
    seconds: float
    instants: tuple[str, ...]

    def by_label(self) -> Mapping[str, Sequence[str]]:
        """Return the instants, `ROLE N`, by what happens at them."""
        found = defaultdict(list)
        for line in self.instants:
            role, number, label = line.split(" ", 2)
            found[f"{role} {label}"].append(f"{role} {number}")
        return found


def undisturbed(scenario: Scenario) -> Reference:
    """Run the command to its end; the trials begin with the parse of the project that it leaves."""
    scenario.begin()
    attempt = _attempt(scenario, Kill())
    assert attempt.code == 0, attempt.said[-2000:]
    scenario.keep_parse()
    found = ledger_and_disk_agree(scenario)
    assert not found, found
    instants = _notes(scenario).read_text().splitlines()
    return Reference(Outcome.of(scenario), attempt.seconds, tuple(instants))


def play(scenario: Scenario, kills: Sequence[Kill], reference: Reference | None) -> Trial:
    """Kill the command at each of the instants, one start after another, then let it end."""
    trial = Trial()
    scenario.begin()
    for kill in [*kills, Kill()]:
        trial.attempts.append(_attempt(scenario, kill))
        trial.wrong += trial.attempts[-1].wrong
        if not trial.attempts[-1].was_killed:
            break
    last = trial.attempts[-1]
    if last.code != 0:
        trial.wrong.append(f"the command ended with {last.code}: {last.said[-600:]}")
    trial.wrong += ledger_and_disk_agree(scenario)
    if reference is not None:
        trial.wrong += differences(reference.outcome, Outcome.of(scenario))
    return trial


def drawn(reference: Reference, chance: random.Random) -> list[Kill]:
    """Draw a chain of kills: every kind of instant is as likely, and so is an instant of time."""
    labels = reference.by_label()
    kills = []
    while True:
        if chance.random() < 0.3:
            kills.append(Kill(after=round(chance.uniform(0.5, reference.seconds), 3)))
        else:
            kills.append(Kill(at=chance.choice(labels[chance.choice(sorted(labels))])))
        if len(kills) == 6 or chance.random() < 0.25:
            return kills


def _attempt(scenario: Scenario, kill: Kill) -> Attempt:
    notes, said = _notes(scenario), scenario.root / "said.txt"
    notes.unlink(missing_ok=True)
    started = time.monotonic()
    process = scenario.start(said, SCV_CRASH_NOTES=str(notes), SCV_CRASH_AT=kill.at)
    try:
        process.wait(LIMIT if kill.after is None else kill.after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        assert kill.after is not None, f"it did not end in {LIMIT} s"
    seconds = time.monotonic() - started
    wrong = [*_left_running(f"SCV_CRASH_NOTES={notes}"), *live_is_whole(scenario.instance)]
    instants = notes.read_text().splitlines() if notes.is_file() else []
    return Attempt(
        process.returncode == -9,
        process.returncode,
        _step(scenario) if instants else "starting",
        instants[-1] if instants else "before anything",
        seconds,
        said.read_text(),
        tuple(wrong),
    )


def _notes(scenario: Scenario) -> Path:
    return scenario.root / "notes.txt"


def _left_running(marked: str) -> list[str]:
    """Wait until no process is left of the run; return those that do not end."""
    until = time.monotonic() + PATIENCE
    while left := [each for each in Path("/proc").glob("[0-9]*") if _is_of(each, marked)]:
        if time.monotonic() > until:
            return [f"{(each / 'cmdline').read_text()} did not end" for each in left]
        time.sleep(0.02)
    return []


def _is_of(process: Path, marked: str) -> bool:
    try:
        if (process / "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return False
        return marked.encode() in (process / "environ").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False


def _step(scenario: Scenario) -> str:
    ledger = Ledger(scenario.instance.ledger_url)
    table = nights if scenario.name == "night" else deploy_steps
    row = ledger.row(sa.select(table).order_by(table.c.id.desc()))
    if row is None or row["state"] != "running":
        return "between steps"
    return str(row["step"])
