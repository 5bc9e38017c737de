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
    """Play the edges of every step, then what is drawn; keep what came of it after each trial.

    A series that was broken off is taken up: what was played is not played again.
    """
    reference, results = undisturbed(scenario), folder / f"{scenario.name}.json"
    typer.echo(f"{scenario.name}: {reference.seconds:.0f} s, {len(reference.instants)} instants")
    told = json.loads(results.read_text()) if results.is_file() else {"code": [], "trials": []}
    told["code"] = sorted({*told["code"], code_version()})
    told["instants"] = Counter(each.step for each in reference.instants)
    before = _kills(told)
    played = {(kill["step"], kill["edge"]) for kill in before}
    chance = random.Random(f"{scenario.name} {seed} {len(before)}")
    left = sum((each.step, each.edge) not in played for each in reference.edges)
    for number, chain in enumerate(chains(reference, chance, played)):
        if number >= left and len(_kills(told)) >= kills:
            break
        trial = play(scenario, chain, reference)
        told["trials"].append(_told(trial, reference))
        results.write_text(json.dumps(told, indent=1))
        for each in trial.kills:
            typer.echo(f"  killed while {each.step}, before {each.instant} ({each.seconds:.1f} s)")
        typer.echo(f"    {'; '.join(trial.wrong) or 'all true'}")
    return not any(trial["wrong"] for trial in told["trials"])


def _kills(told: dict[str, Any]) -> list[dict[str, Any]]:
    return [kill for trial in told["trials"] for kill in trial["kills"]]


def _told(trial: Trial, reference: Reference) -> dict[str, Any]:
    edges = {each.at: each.edge for each in reference.edges}
    kills = []
    for each in trial.kills:
        here = each.instant
        # The last of all is known only by the undisturbed run.
        edge = (here.edge or edges.get(here.at, "")) if here else ""
        told = {"step": each.step, "edge": edge, "instant": str(here)}
        kills.append(told | {"seconds": round(each.seconds, 1)})
    return {"kills": kills, "wrong": trial.wrong}


def _table(results: Path) -> str:
    """Return the table of a scenario by step, or nothing when it has not been played."""
    if not results.is_file():
        return ""
    told = json.loads(results.read_text())
    killed = [(kill, bool(trial["wrong"])) for trial in told["trials"] for kill in trial["kills"]]
    lines = [
        f"| {results.stem}: killed while | instants | kills | before its first change "
        "| before its last | found wrong |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for step, number in told["instants"].items():
        here = [(kill["edge"], wrong) for kill, wrong in killed if kill["step"] == step]
        found = Counter(edge for edge, _ in here)
        lines.append(
            f"| {step} | {number} | {len(here)} | {found['first']} | {found['last']} "
            f"| {sum(wrong for _, wrong in here)} |"
        )
    found = Counter(kill["edge"] for kill, _ in killed)
    lines.append(
        f"| in all, begun {len(told['trials'])} times | {sum(told['instants'].values())} "
        f"| {len(killed)} | {found['first']} | {found['last']} "
        f"| {sum(bool(trial['wrong']) for trial in told['trials'])} |"
    )
    return f"Code {', '.join(told['code'])}.\n\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    typer.run(main)
