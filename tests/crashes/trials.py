"""One trial: the same command killed and started again until it ends, and what was found then."""

from __future__ import annotations

import random
import subprocess
import time
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.crashes import instants
from tests.crashes.checks import (
    Outcome,
    differences,
    ledger_and_disk_agree,
    live_is_whole,
    sent,
    sent_again,
)
from tests.crashes.instants import Instant
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
    """One start of the command: how it ended, and before which instant; None before the first."""

    was_killed: bool
    code: int
    instant: Instant | None
    seconds: float
    said: str
    wrong: tuple[str, ...]

    @property
    def step(self) -> str:
        """The step at which it ended."""
        return self.instant.step if self.instant else instants.BEFORE


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
    instants: tuple[Instant, ...]

    @property
    def edges(self) -> list[Instant]:
        """The first and the last instant of each step."""
        last = replace(self.instants[-1], edge="last")
        return [*(each for each in self.instants[:-1] if each.edge), last]

    def by_label(self) -> Mapping[str, Sequence[Instant]]:
        """Return the instants by what happens at them."""
        found = defaultdict(list)
        for each in self.instants:
            found[f"{each.role} {each.label}"].append(each)
        return found


def undisturbed(scenario: Scenario) -> Reference:
    """Run the command to its end; the trials begin with the parse of the project that it leaves."""
    scenario.begin()
    attempt = _attempt(scenario, Kill())
    assert attempt.code == 0, attempt.said[-2000:]
    scenario.keep_parse()
    found = ledger_and_disk_agree(scenario)
    assert not found, found
    noted = instants.read(_notes(scenario).read_text().splitlines())
    return Reference(Outcome.of(scenario), attempt.seconds, tuple(noted))


def play(scenario: Scenario, kills: Sequence[Kill], reference: Reference | None) -> Trial:
    """Kill the command at each of the instants, one start after another, then let it end."""
    trial = Trial()
    scenario.begin()
    gone = sent(scenario)
    for kill in [*kills, Kill()]:
        trial.attempts.append(_attempt(scenario, kill))
        now = sent(scenario)
        trial.wrong += [*trial.attempts[-1].wrong, *sent_again(gone, now)]
        gone = now
        if not trial.attempts[-1].was_killed:
            break
    last = trial.attempts[-1]
    if last.code != 0:
        trial.wrong.append(f"the command ended with {last.code}: {last.said[-600:]}")
    trial.wrong += ledger_and_disk_agree(scenario)
    if reference is not None:
        trial.wrong += differences(reference.outcome, Outcome.of(scenario))
    return trial


def chains(
    reference: Reference, chance: random.Random, played: Container[tuple[str, str]] = ()
) -> Iterator[list[Kill]]:
    """Yield chains of kills without end: at each edge of a step first, then wherever is drawn.

    An edge is where it was in the undisturbed run only in a run that begins as that did, so it is
    the first of its chain. Those that were `played` (step and edge) are left out.
    """
    for each in reference.edges:
        if (each.step, each.edge) not in played:
            yield [Kill(at=each.at), *drawn(reference, chance)[1:]]
    while True:
        yield drawn(reference, chance)


def drawn(reference: Reference, chance: random.Random) -> list[Kill]:
    """Draw a chain of kills: every kind of instant is as likely, and so is an instant of time."""
    labels = reference.by_label()
    kills = []
    while True:
        if chance.random() < 0.3:
            kills.append(Kill(after=round(chance.uniform(0.5, reference.seconds), 3)))
        else:
            kills.append(Kill(at=chance.choice(labels[chance.choice(sorted(labels))]).at))
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
    noted = instants.read(notes.read_text().splitlines()) if notes.is_file() else []
    return Attempt(
        process.returncode == -9,
        process.returncode,
        noted[-1] if noted else None,
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
