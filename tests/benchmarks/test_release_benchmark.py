"""The benchmark of a release runs, and what is measured is a comparison that is right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb

from benchmarks.release.measure import CASES, WORKS, from_json
from benchmarks.release.pair import CHANGED, Pair, Size, make_after, make_before
from flows.comparison.compare import compare
from tests.conftest import PROJECT

SIZE = Size(3000, 40)


def test_a_small_client_is_measured_and_told(tmp_path: Path) -> None:
    where = ["--folder", str(tmp_path), "--results", str(tmp_path / "r.json")]
    asked = ["--customers", "3000", "--columns", "40", "--date", "2017-11-21"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.release", *asked, *where, "--out", str(tmp_path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = from_json((tmp_path / "r.json").read_text())
    assert [(each.case, each.work) for each in found] == [(c, w) for c in CASES for w in WORKS]
    page = (tmp_path / "RESULTS.md").read_text()
    assert "| 3,000 | 40 |" in page
    assert sorted(path.name for path in tmp_path.iterdir()) == ["RESULTS.md", "r.json"]


def test_what_the_benchmark_changes_is_what_is_found(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    make_before(pair, SIZE)
    make_after(pair, SIZE, everything=False)
    manifests = pair.manifest(pair.before), pair.manifest(pair.after)
    found = compare(pair.before, pair.after, *manifests)
    names = [each.name for each in found.view.attributes]
    assert names == [*SIZE.sections[CHANGED][:3], "days_since_last_order"]
    with duckdb.connect() as connection:
        for name, path in (("b", pair.before), ("a", pair.after)):
            connection.execute(f"attach '{path}' as {name} (read_only)")
        for each in found.view.attributes:
            rows = connection.execute(
                "select count(*) from b.marts.single_customer_view as b "
                "inner join a.marts.single_customer_view as a using (customer_id) "
                f"where b.{each.name} is distinct from a.{each.name}"
            ).fetchall()
            assert each.changed == rows[0][0] > 0
    assert {each.relation for each in found.relations if each.is_read} == {
        "marts.single_customer_view",
        f"marts.customer_{CHANGED}",
    }
