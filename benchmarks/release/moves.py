"""Publish and roll back, timed, while somebody reads live; and what the reader was answered."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from benchmarks.nightly.process import PROJECT, Failed
from benchmarks.release.comparison import GIGABYTE, Say
from benchmarks.release.pair import NAMES, Pair, Size
from benchmarks.release.reader import answer
from flows.builds import live
from flows.ledger import Ledger, builds, now
from flows.settings import Instance

TIMES = 10
COMMANDS = 5


@dataclass(frozen=True)
class Seen:
    """What a reader came to: how many answers, and of them those that are as they must be.

    `within` are moves that happened while a query ran. `kept` are answers after a move, by a
    connection from before it, of the build from before it; `fresh` those before any move, of the
    build that was live at opening. `wrong` are all others: of the build that they should not be
    of, of a mixture of the two, or of neither.
    """

    answers: int
    within: int
    kept: int
    fresh: int
    wrong: int
    failed: int


@dataclass(frozen=True)
class Moved:
    """Seconds of each publish, of each roll back, and of each `scv rollback` as it is typed."""

    date: str
    customers: int
    columns: int
    build_size: float
    publish: tuple[float, ...]
    roll_back: tuple[float, ...]
    command: tuple[float, ...]
    seen: Seen

    @classmethod
    def told(cls, told: Mapping[str, Any]) -> Moved:
        """Return what a file of results holds of the moves at one size."""
        series = {name: tuple(told[name]) for name in ("publish", "roll_back", "command")}
        return cls(**{**told, **series, "seen": Seen(**told["seen"])})


def measure(pair: Pair, size: Size, date: str, say: Say) -> Moved:
    """Move live between the two builds of a pair, which becomes the instance's, and back."""
    instance = Instance(warehouse=pair.folder / "warehouse", deliveries=pair.folder)
    build_size = pair.before.stat().st_size
    ledger = _take_over(pair, instance)
    live.publish(instance, ledger, NAMES[0])
    took, seen = _while_read(instance, ledger)
    command = [_by_command(instance, ledger) for _ in range(COMMANDS)]
    say(f"  moved {len(took)} times, at worst in {max(took):.3f} s; {seen}")
    return Moved(
        date=date,
        customers=size.customers,
        columns=size.columns,
        build_size=round(build_size / GIGABYTE, 2),
        publish=tuple(took[::2]),
        roll_back=tuple(took[1::2]),
        command=tuple(command),
        seen=seen,
    )


def _take_over(pair: Pair, instance: Instance) -> Ledger:
    ledger = Ledger(instance.ledger_url)
    instance.builds.mkdir(parents=True)
    for name, path in zip(NAMES, (pair.before, pair.after), strict=True):
        path.rename(live.path_of(instance, name))
        told = {"business_date": dt.date.fromisoformat(name[:10]), "release": name, "inputs": name}
        ledger.add(builds, build_id=name, state="built", started_at=now(), **told)
    return ledger


def _while_read(instance: Instance, ledger: Ledger) -> tuple[list[float], Seen]:
    answers = [_answer_of(instance, name) for name in NAMES]
    moves: list[tuple[float, float]] = []
    told: list[dict[str, Any]] = []
    command = [sys.executable, "-m", "benchmarks.release.reader", str(instance.live)]
    # A move each other time that live is open, when the first query has begun.
    command.append(str(4 * TIMES + 1))
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as reader:
        for line in reader.stdout or ():
            told.append(json.loads(line))
            last = told[-1]
            if last["event"] == "ask" and last["place"] == 0 and last["sitting"] % 2:
                moves.append(_timed(_move(instance, ledger, len(moves))))
    if reader.returncode or len(moves) != 2 * TIMES:
        raise Failed(f"The reader ended with {reader.returncode} after {len(moves)} moves.")
    return [last - first for first, last in moves], judged(told, moves, answers)


def _move(instance: Instance, ledger: Ledger, number: int) -> Callable[[], object]:
    if number % 2:
        return lambda: live.roll_back(instance, ledger)
    return lambda: live.publish(instance, ledger, NAMES[1], instead_of=NAMES[0])


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    started = time.monotonic()
    work()
    return started, time.monotonic()


def _answer_of(instance: Instance, build_id: str) -> list[str | int]:
    with duckdb.connect(str(live.path_of(instance, build_id)), read_only=True) as connection:
        return answer(connection)


def judged(
    told: Sequence[Mapping[str, Any]],
    moves: Sequence[tuple[float, float]],
    answers: Sequence[Sequence[str | int]],
) -> Seen:
    """Hold what a reader was told against when live was moved.

    Args:
        told: the lines of the reader, in order; all clocks are the machine's monotonic one.
        moves: from when to when each took, in order, the first away from the first build.
        answers: what each of the two builds has to answer.
    """
    counts = dict.fromkeys(("answers", "within", "kept", "fresh", "wrong", "failed"), 0)
    # While it was opened live may have moved: until the first query begins either is right.
    opened, begun, asked, may_be = 0.0, 0.0, 0.0, [answers[0]]
    for each in told:
        at = float(each["at"])
        if each["event"] == "open":
            opened = at
        elif each["event"] == "ask":
            asked = at
            if each["place"] == 0:
                begun = at
                first, last = _moved(moves, opened), _moved(moves, at, begun=True)
                may_be = [answers[number % 2] for number in range(first, last + 1)]
        elif each["event"] == "told":
            counts["answers"] += 1
            counts["within"] += sum(asked < first and last < at for first, last in moves)
            is_right = list(each["answer"]) in [list(one) for one in may_be]
            has_moved = any(begun < last < at for _, last in moves)
            counts["wrong" if not is_right else "kept" if has_moved else "fresh"] += 1
        else:
            counts["failed"] += 1
    return Seen(**counts)


def _moved(moves: Sequence[tuple[float, float]], at: float, begun: bool = False) -> int:
    """Return how many moves had ended, or begun, at an instant."""
    return sum((first if begun else last) <= at for first, last in moves)


def _by_command(instance: Instance, ledger: Ledger) -> float:
    live.publish(instance, ledger, NAMES[1], instead_of=NAMES[0])
    told = {"SCV_WAREHOUSE": str(instance.warehouse), "SCV_DELIVERIES": str(instance.deliveries)}
    command = [sys.executable, "-m", "flows.cli", "rollback"]
    started = time.monotonic()
    done = subprocess.run(
        command, cwd=PROJECT, env=os.environ | told, capture_output=True, text=True, check=False
    )
    took = time.monotonic() - started
    if done.returncode or live.current(instance) != NAMES[0]:
        raise Failed(f"scv rollback: {done.stdout}{done.stderr}")
    return took
