"""The crash test at length: `make crash-test KILLS=200`. Its table is in warehouse/crashes/."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from prefect.settings import PREFECT_API_URL
from prefect.testing.utilities import prefect_test_harness

from flows import prefect_settings
from flows.builds.release import code_version
from flows.settings import PROJECT
from tests.conftest import World
from tests.crashes.instants import Instant
from tests.crashes.scenarios import SCENARIOS, Scenario
from tests.crashes.trials import Reference, Trial, chains, play, undisturbed

FOLDER = PROJECT / "warehouse" / "crashes"


def main(
    kills: Annotated[int, typer.Option(help="At least so many of each scenario.")] = 100,
    only: Annotated[str, typer.Option(help="One scenario.")] = "",
    seed: Annotated[int, typer.Option(help="Draws the instants.")] = 20171122,
    folder: Annotated[Path, typer.Option(help="Where the instances stand.")] = FOLDER,
    world: Annotated[Path | None, typer.Option(help="A demo that has been played.")] = None,
) -> None:
    """Kill nights, reruns and redeploys, start them again, and write down what was found."""
    prefect_settings.quiet()
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    begun = world.resolve() if world else _world(folder / "world")
    held: list[bool] = []
    with prefect_test_harness(server_startup_timeout=180):
        os.environ["PREFECT_API_URL"] = str(PREFECT_API_URL.value())
        for name in [only] if only else SCENARIOS:
            held.append(_series(SCENARIOS[name](folder / name, begun), kills, seed, folder))
    told = "\n".join(_table(folder / f"{name}.json") for name in SCENARIOS)
    (folder / "results.md").write_text(told)
    typer.echo(told)
    raise typer.Exit(not all(held))


def _world(folder: Path) -> Path:
    made = World(folder / "deliveries", folder / "warehouse", "")
    if not (folder / "made").exists():
        command = [sys.executable, "-m", "demo.nights", "--site", str(folder / "site")]
        subprocess.run(command, cwd=PROJECT, env=made.environment, check=True)
        (folder / "made").touch()
    return folder


def _series(scenario: Scenario, kills: int, seed: int, folder: Path) -> bool:
    """Play the edges of every step, then what is drawn; keep what came of it after each trial."""
    reference = undisturbed(scenario)
    chance = random.Random(f"{scenario.name} {seed}")
    typer.echo(f"{scenario.name}: {reference.seconds:.0f} s, {len(reference.instants)} instants")
    least, trials = len(reference.edges), list[Trial]()
    for chain in chains(reference, chance):
        trials.append(play(scenario, chain, reference))
        for each in trials[-1].kills:
            typer.echo(f"  killed while {each.step}, before {each.instant} ({each.seconds:.1f} s)")
        typer.echo(f"    {'; '.join(trials[-1].wrong) or 'all true'}")
        told = {"code": code_version(), "seed": seed, **_told(reference, trials)}
        (folder / f"{scenario.name}.json").write_text(json.dumps(told, indent=1))
        killed = sum(len(trial.kills) for trial in trials)
        if len(trials) >= least and killed >= kills:
            break
    return not any(trial.wrong for trial in trials)


def _told(reference: Reference, trials: list[Trial]) -> dict[str, Any]:
    return {
        "steps": list(dict.fromkeys(each.step for each in reference.instants)),
        "instants": Counter(each.step for each in reference.instants),
        "trials": [
            {
                "kills": [
                    {
                        "step": each.step,
                        "edge": _edge(each.instant, reference),
                        "instant": str(each.instant),
                        "seconds": round(each.seconds, 1),
                    }
                    for each in trial.kills
                ],
                "wrong": trial.wrong,
            }
            for trial in trials
        ],
    }


def _edge(instant: Instant | None, reference: Reference) -> str:
    if instant == reference.instants[-1]:
        return "last"
    return instant.edge if instant else ""


def _table(results: Path) -> str:
    """Return the table of a scenario by step, or nothing when it has not been played."""
    if not results.is_file():
        return ""
    told = json.loads(results.read_text())
    killed = [(kill, bool(trial["wrong"])) for trial in told["trials"] for kill in trial["kills"]]
    bad = sum(bool(trial["wrong"]) for trial in told["trials"])
    lines = [
        f"| {results.stem}: killed while | instants | kills | before its first change "
        "| before its last | found wrong |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for step in told["steps"]:
        here = [(kill["edge"], wrong) for kill, wrong in killed if kill["step"] == step]
        found = Counter(edge for edge, _ in here)
        lines.append(
            f"| {step} | {told['instants'][step]} | {len(here)} | {found['first']} "
            f"| {found['last']} | {sum(wrong for _, wrong in here)} |"
        )
    first, last = (sum(kill["edge"] == edge for kill, _ in killed) for edge in ("first", "last"))
    said = f"| in all, begun {len(told['trials'])} times | {sum(told['instants'].values())} "
    lines.append(f"{said}| {len(killed)} | {first} | {last} | {bad} |")
    return f"Code {told['code']}, seed {told['seed']}.\n\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    typer.run(main)
