"""The way in: `python -m benchmarks.intake --help`."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.intake.case import Case
from benchmarks.intake.child import cases
from benchmarks.intake.results import Result, page

PROJECT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("RESULTS.md")


class Failed(Exception):
    """Why a case could not be measured, in a line."""


def run(
    rows: Annotated[int, typer.Option(min=1000, help="Rows of a case; some take a part.")] = 10**6,
    only: Annotated[str, typer.Option(help="Cases by name, with commas between them.")] = "",
    repeats: Annotated[int, typer.Option(min=1, help="How often each side is measured.")] = 3,
    out: Annotated[Path, typer.Option(help="The page that is written.")] = RESULTS,
    date: Annotated[str, typer.Option(help="The date on the page; else today's.")] = "",
    folder: Annotated[Path | None, typer.Option(help="Where data is made and removed.")] = None,
) -> None:
    """Measure the intake against the bare readers beneath it, and write a page of results."""
    known = cases()
    wanted = only.split(",") if only else list(known)
    if unknown := [name for name in wanted if name not in known]:
        raise typer.BadParameter(f"{unknown[0]} is none of {', '.join(known)}", param_hint="only")
    results = []
    for name in wanted:
        with tempfile.TemporaryDirectory(dir=folder, prefix="benchmark-") as own:
            result = _measure(known[name], Path(own), int(rows * known[name].share), repeats)
        typer.echo(" | ".join(result.cells()))
        results.append(result)
    text = page(results, date or str(dt.date.today()), repeats)
    out.write_text(text)
    typer.echo(f"\n{text}\nwritten to {out}")
    if any(result.failed for result in results):
        raise typer.Exit(1)


def _measure(case: Case, folder: Path, rows: int, repeats: int) -> Result:
    sides: dict[str, list[dict[str, float]]] = {"ours": [], "bare": []}
    rows = max(rows, 1)
    try:
        _child(case, "prepare", folder, rows)
        for _ in range(repeats):
            # By turns: when the machine is busy, it is busy for both.
            for side, measured in sides.items():
                if side == "ours" or case.bare is not None:
                    measured.append(json.loads(_child(case, side, folder, rows).splitlines()[-1]))
    except Failed as failed:
        return Result(case, rows, failed=str(failed))
    return Result(case, rows, sides["ours"], sides["bare"])


def _child(case: Case, side: str, folder: Path, rows: int) -> str:
    command = [sys.executable, "-m", "benchmarks.intake.child", case.name, side, str(folder)]
    done = subprocess.run(
        [*command, str(rows)], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Failed((done.stderr.strip().splitlines() or ["it was killed"])[-1])
    return done.stdout


if __name__ == "__main__":
    typer.run(run)
