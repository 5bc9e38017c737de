"""The benchmark of a release runs, and what it measures is right: moves, remakes, comparison."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from benchmarks.nightly.place import Place
from benchmarks.release import tables
from benchmarks.release.checkout import WHO, Checkout
from benchmarks.release.comparison import CASES, WORKS
from benchmarks.release.moves import COMMANDS, TIMES, Moved, Seen, judged
from benchmarks.release.pair import CHANGED, Pair, Size, make_after, make_before
from benchmarks.release.records import Results
from benchmarks.release.redeploy import ANEW, EDITS, candidates
from benchmarks.release.results import page
from flows.builds import live
from flows.builds.release import git
from flows.comparison.compare import compare
from flows.ledger import Ledger, builds
from flows.settings import Instance
from tests.conftest import PROJECT
from tests.releases.control import LIVE

SIZE = Size(3000, 40)


def measured(folder: Path, *asked: str) -> Results:
    """Run the benchmark, its page and results in a folder; return the results."""
    where = ["--folder", str(folder), "--results", str(folder / "r.json"), "--out", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.release", *asked, "--date", "2017-11-21", *where],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Results.read(folder / "r.json")


def test_two_builds_are_compared_and_moved_and_it_is_told(tmp_path: Path) -> None:
    found = measured(tmp_path, "--customers", "3000", "--columns", "40")
    named = [(each.case, each.work) for each in found.comparisons]
    assert named == [(case, work) for case in CASES for work in WORKS]
    (moved,) = found.moves
    assert (len(moved.publish), len(moved.roll_back), len(moved.command)) == (
        TIMES,
        TIMES,
        COMMANDS,
    )
    assert (moved.seen.wrong, moved.seen.failed) == (0, 0)
    assert moved.seen.kept + moved.seen.fresh == moved.seen.answers == 2 * (4 * TIMES + 1)
    written = (tmp_path / "RESULTS.md").read_text()
    assert "| 3,000 | 40 |" in written
    assert "none wrong, none failed: met" in written
    assert sorted(path.name for path in tmp_path.iterdir()) == ["RESULTS.md", "r.json"]


def test_a_size_that_is_measured_again_takes_the_place_of_the_former() -> None:
    def moved(customers: int, took: float) -> Moved:
        seen = Seen(4, 2, 2, 2, 0, 0)
        return Moved("2017-11-21", customers, 40, 0.1, (took,), (took,), (took,), seen)

    results = Results()
    for each in (moved(2000, 0.1), moved(1000, 0.2), moved(1000, 2.5)):
        results.moved(each)
    assert results.moves == [moved(1000, 2.5), moved(2000, 0.1)]
    first, second = tables.moves(results.moves).splitlines()[2:]
    assert first.endswith("| ≤ 2 s: missed |")
    assert second.endswith("| ≤ 2 s: met |")


def told(opened: float, *answers: str) -> list[dict[str, object]]:
    """The lines of a reader that asks a second after it opened live, each question two seconds."""
    lines: list[dict[str, object]] = [{"event": "open", "at": opened}]
    for place, each in enumerate(answers):
        asked = opened + 1 + 2 * place
        lines.append({"event": "ask", "place": place, "at": asked})
        lines.append({"event": "told", "answer": [each], "at": asked + 2})
    return lines


@pytest.mark.parametrize(
    ("lines", "seen"),
    [
        (told(0, "old", "old"), Seen(2, 1, 1, 1, 0, 0)),
        (told(0, "old", "new"), Seen(2, 1, 0, 1, 1, 0)),
        (told(6, "new", "new"), Seen(2, 0, 0, 2, 0, 0)),
        (told(6, "old", "new"), Seen(2, 0, 0, 1, 1, 0)),
        (told(0, "half of each"), Seen(1, 0, 0, 0, 1, 0)),
        # Live moved while it was opened: either build is right.
        (told(3.2, "new"), Seen(1, 0, 0, 1, 0, 0)),
        (told(3.2, "old"), Seen(1, 0, 0, 1, 0, 0)),
        ([{"event": "open", "at": 0}, {"event": "failed", "at": 1}], Seen(0, 0, 0, 0, 0, 1)),
    ],
)
def test_an_answer_is_held_against_what_was_live(
    lines: Sequence[dict[str, object]], seen: Seen
) -> None:
    assert judged(lines, [(3.1, 4.0)], [["old"], ["new"]]) == seen


def test_what_hangs_on_one_attribute_is_made_anew_and_the_rest_is_not(
    instance: Instance, ledger: Ledger, tmp_path: Path
) -> None:
    checkout, place = Checkout.clone(tmp_path / "clone"), Place(instance.warehouse.parent)
    assert place.instance.live == instance.live
    release = git(checkout.folder, "rev-parse", "--short=12", "HEAD")
    ledger.change(builds, builds.c.build_id == LIVE, release=release)
    kept = sorted(instance.builds.iterdir())
    results = Results()
    near_the_view = dict(list(EDITS.items())[:1])
    asked = (place, 2500, checkout, "2017-11-21", lambda _: None, near_the_view)
    results.remade(candidates(*asked))
    part, anew = results.redeploys
    assert [part.case, anew.case] == [*near_the_view, ANEW]
    models = [{n.name for n in each.nodes if n.kind == "models"} for each in (part, anew)]
    assert {"customer_service", "attribute_distributions"} <= models[0] < models[1]
    assert "int_order_lines" in models[1] - models[0]
    assert part.of("data tests")[0] == anew.of("data tests")[0] > 50
    for each in results.redeploys:
        whole = sum(node.cpu for node in each.nodes) + sum(part.cpu for part in each.parts)
        assert whole == pytest.approx(each.cpu, rel=0.02)
    assert sorted(instance.builds.iterdir()) == kept
    assert live.current(instance) == LIVE
    written = tmp_path / "r.json"
    results.write(written)
    assert Results.read(written) == results
    told_of = [line for line in page(results).splitlines() if line.startswith("| 2017-11-21 |")]
    assert len(told_of) == 1
    assert f"| {len(models[0])} of {len(models[1])} |" in told_of[0]


@pytest.mark.parametrize("case", EDITS)
def test_what_an_edit_replaces_stands_in_the_model(case: str) -> None:
    edit = EDITS[case]
    assert (PROJECT / edit.file).read_text().count(edit.old) == 1


def test_a_client_that_other_code_made_is_told_from_one_that_the_clone_made(
    tmp_path: Path,
) -> None:
    checkout = Checkout.clone(tmp_path / "clone")
    release = str(git(checkout.folder, "rev-parse", "HEAD"))
    for file, is_same in (("README.md", True), ("models/marts/customer_web.sql", False)):
        path = checkout.folder / file
        path.write_text(path.read_text() + "\n")
        git(checkout.folder, *WHO, "commit", "--quiet", "--all", "--message", "Edit")
        assert checkout.made(release) == is_same
    assert not checkout.made(f"{release}+1234abcd")


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
