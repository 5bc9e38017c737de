"""A night, a rerun and a redeploy that are killed with SIGKILL, and started again.

A few kills here, drawn by a fixed seed; `SCV_KILLS=200` plays that many of each, and
`make crash-test` does so outside of the suite and tells what it came to.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from flows.builds import fingerprints, live
from tests.conftest import NEXT, World
from tests.crashes.checks import sent
from tests.crashes.scenarios import SCENARIOS, Scenario, night, redeploy, rerun
from tests.crashes.trials import Kill, Trial, chains, drawn, play, undisturbed

KILLS = int(os.environ.get("SCV_KILLS", "1"))
SEED = 20171122
# Where a redeploy is half live: of its three moves of the link, the last two.
MOMENTS = [
    "main rename live.duckdb #2",
    "main ledger commit builds #2",
    "main rename live.duckdb #3",
    "main ledger commit builds #3",
    "main ledger update deploys: published #1",
]
# Where a rerun knows that what was held may go, and has not sent it.
AFTER_THE_GATE = [
    "main ledger commit occurrences #1",
    "main ledger update occurrences #1",
    "main ledger insert occurrences #1",
]
HELD = f"coupon_lovers_email of {NEXT}"


@pytest.fixture(autouse=True)
def _server(prefect_server: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command that is killed here talks to one server, which is not."""
    from prefect.settings import PREFECT_API_URL

    monkeypatch.setenv("PREFECT_API_URL", str(PREFECT_API_URL.value()))


def test_a_night_that_is_killed_anywhere_comes_to_what_an_undisturbed_one_does(
    world: World, tmp_path: Path
) -> None:
    scenario = night(tmp_path / "night", world.warehouse.parent)
    reference = undisturbed(scenario)

    trial = play(scenario, drawn(reference, random.Random(SEED))[:1], reference)

    assert trial.wrong == [], story(trial)
    assert len(trial.kills) == 1


def test_a_rerun_that_is_killed_sends_what_was_held_and_nothing_twice(
    world: World, tmp_path: Path
) -> None:
    scenario = rerun(tmp_path / "rerun", world.warehouse.parent)
    scenario.begin()
    before = sent(scenario)
    kill = Kill(at=random.Random(SEED).choice(AFTER_THE_GATE))

    trial = play(scenario, [kill], reference=None)

    assert trial.wrong == [], story(trial)
    assert len(trial.kills) == 1
    assert sent(scenario).keys() - before.keys() == {HELD}
    assert sent(scenario).items() >= before.items()


def test_a_redeploy_that_is_killed_while_it_publishes_is_live_whole(
    world: World, tmp_path: Path
) -> None:
    scenario = redeploy(tmp_path / "redeploy", world.warehouse.parent)
    kill = Kill(at=random.Random(SEED).choice(MOMENTS))

    trial = play(scenario, [kill], reference=None)

    assert trial.wrong == [], story(trial)
    assert len(trial.kills) == 1
    assert changed_tables(scenario) == {"marts.attribute_distributions", "marts.customer_service"}


@pytest.mark.skipif(KILLS == 1, reason="many kills of a scenario take an hour: SCV_KILLS=200")
@pytest.mark.parametrize("name", SCENARIOS)
def test_whatever_is_killed_anywhere_comes_to_what_an_undisturbed_run_does(
    name: str, world: World, tmp_path: Path
) -> None:
    scenario, killed = SCENARIOS[name](tmp_path / name, world.warehouse.parent), 0
    reference = undisturbed(scenario)
    for chain in chains(reference, random.Random(SEED)):
        trial = play(scenario, chain, reference)
        assert trial.wrong == [], story(trial)
        killed += len(trial.kills)
        if killed >= KILLS:
            return


def changed_tables(scenario: Scenario) -> set[str]:
    """Return in which tables what is live differs from what was live at the beginning."""
    instance = scenario.instance
    was = fingerprints.take(live.path_of(instance, f"{scenario.day}-01"))
    now = fingerprints.take(live.path_of(instance, live.current_or_stop(instance)))
    return {name for name in was.keys() | now.keys() if was.get(name) != now.get(name)}


def story(trial: Trial) -> str:
    """Return where a trial was killed, for whoever reads why it failed."""
    return "\n".join(f"{each.step}: {each.instant}" for each in trial.attempts)
