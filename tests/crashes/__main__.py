"""The crash test at length: `make crash-test KILLS=200`. Its table is in warehouse/crashes/."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from prefect.settings import PREFECT_API_URL
from prefect.testing.utilities import prefect_test_harness

from flows import prefect_settings
from flows.settings import PROJECT
from tests.conftest import World
from tests.crashes.scenarios import SCENARIOS, Scenario
from tests.crashes.trials import Reference, Trial, drawn, play, undisturbed

FOLDER = PROJECT / "warehouse" / "crashes"


def main(
    kills: Annotated[int, typer.Option(help="At least so many of each scenario.")] = 100,
    only: Annotated[str, typer.Option(help="One scenario.")] = "",
    seed: Annotated[int, typer.Option(help="Draws the instants.")] = 20171122,
    folder: Annotated[Path, typer.Option(help="Where the instances stand.")] = FOLDER,
    world: Annotated[Path | None, typer.Option(help="A demo that has been played.")] = None,
) -> None:
    """Kill nights and redeploys, start them again, and write down what was found."""
    prefect_settings.quiet()
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    begun = world.resolve() if world else _world(folder / "world")
    played: dict[str, list[Trial]] = {}
    with prefect_test_harness(server_startup_timeout=180):
        os.environ["PREFECT_API_URL"] = str(PREFECT_API_URL.value())
        for name in [only] if only else SCENARIOS:
            scenario = SCENARIOS[name](folder / name, begun)
            played[name] = _series(scenario, kills, random.Random(f"{name} {seed}"))
    told = _table(played, seed)
    (folder / "results.md").write_text(told)
    typer.echo(told)
    raise typer.Exit(any(trial.wrong for trials in played.values() for trial in trials))


def _world(folder: Path) -> Path:
    made = World(folder / "deliveries", folder / "warehouse", "")
    if not (folder / "made").exists():
        command = [sys.executable, "-m", "demo.nights", "--site", str(folder / "site")]
        subprocess.run(command, cwd=PROJECT, env=made.environment, check=True)
        (folder / "made").touch()
    return folder


def _series(scenario: Scenario, kills: int, chance: random.Random) -> list[Trial]:
    reference: Reference = undisturbed(scenario)
    typer.echo(f"{scenario.name}: {reference.seconds:.0f} s, {len(reference.instants)} instants")
    trials: list[Trial] = []
    while sum(len(trial.kills) for trial in trials) < kills:
        chain = drawn(reference, chance)
        trials.append(play(scenario, chain, reference))
        for each in trials[-1].kills:
            typer.echo(f"  killed while {each.step}, before {each.instant} ({each.seconds:.1f} s)")
        typer.echo(f"    {'; '.join(trials[-1].wrong) or 'all true'}")
    return trials


def _table(played: dict[str, list[Trial]], seed: int) -> str:
    lines = [f"Seed {seed}.", "", "| what | killed while | kills | found wrong |"]
    lines.append("|---|---|--:|--:|")
    for name, trials in played.items():
        kills = Counter(each.step for trial in trials for each in trial.kills)
        wrong = Counter(each.step for trial in trials if trial.wrong for each in trial.kills)
        lines += [f"| {name} | {step} | {n} | {wrong[step]} |" for step, n in kills.most_common()]
        bad = sum(bool(trial.wrong) for trial in trials)
        begun = f"in all, {len(trials)} times begun"
        lines.append(f"| {name} | {begun} | {sum(kills.values())} | {bad} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    typer.run(main)
