"""The unit tests of dbt, run on a fork of the world's live: what each model does, by name."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from flows.builds import fork
from tests.conftest import NIGHTS, PROJECT


@pytest.fixture(scope="module")
def outcomes(
    nights: dict[object, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The status of each unit test by name."""
    folder = tmp_path_factory.mktemp("unit")
    build = folder / "unit.duckdb"
    fork.fork(nights[NIGHTS[-1]], build)
    arguments = ["test", "--select", "test_type:unit", "--target-path", folder / "target"]
    subprocess.run(
        [PROJECT / ".venv/bin/dbt", "--quiet", *arguments, "--log-path", folder],
        cwd=PROJECT,
        env={"SCV_BUILD": str(build), "PATH": "/usr/bin:/bin", "DO_NOT_TRACK": "1"},
        check=False,
    )
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    return {result["unique_id"].split(".")[-1]: result["status"] for result in results}


def test_every_behaviour_of_the_models_holds(outcomes: dict[str, str]) -> None:
    assert len(outcomes) > 80
    assert {name: status for name, status in outcomes.items() if status != "pass"} == {}
