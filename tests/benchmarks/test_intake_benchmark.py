"""The benchmark of the intake runs, each case and its command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.intake.case import Place
from benchmarks.intake.child import cases, measure
from tests.conftest import PROJECT

CASES = cases()
# Those that need no server, and not Great Expectations, whose import alone takes seconds.
QUICK = [
    "csv",
    "csv-gzip",
    "csv-zstd",
    "csv-parts",
    "json-lines",
    "json-array",
    "parquet",
    "excel",
    "sqlite",
    "duckdb",
    "api",
    "snapshot",
]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.intake", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", QUICK)
def test_both_ways_of_a_case_do_their_work(tmp_path: Path, name: str) -> None:
    case, place = CASES[name], Place(tmp_path, 2000)
    case.prepare(place)
    for side in ("ours", "bare"):
        assert measure(case, side, place).keys() == {"cpu", "wall", "peak"}
        if side == "bare":
            assert place.written.stat().st_size > 1000


def test_the_page_has_a_row_with_figures_for_each_case_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "results.md"
    asked = ["--rows", "2000", "--repeats", "1", "--only", "parquet", "--date", "2017-11-21"]
    done = run(*asked, "--out", str(out), "--folder", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2017-11-21" in out.read_text()
    (row,) = [line for line in out.read_text().splitlines() if line.startswith("| parquet |")]
    assert row.count("(") == 6, "seconds of both sides and their ratios, each with its median"
    assert [path.name for path in tmp_path.iterdir()] == ["results.md"]


def test_a_case_that_there_is_not_is_named(tmp_path: Path) -> None:
    done = run("--only", "csv,fax", "--out", str(tmp_path / "results.md"))
    assert done.returncode != 0
    assert "fax" in done.stderr
    assert not (tmp_path / "results.md").exists()


def test_every_target_of_the_intake_has_a_case() -> None:
    targets = {name: case.most for name, case in CASES.items() if case.most is not None}
    assert {"csv", "json-lines", "parquet", "excel", "postgresql"} <= targets.keys()
    assert targets["suite"] == targets["suite-large"] == 2
