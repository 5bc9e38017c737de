"""What kills have been found to leave behind, each in a small instance of its own."""

from __future__ import annotations

import datetime as dt
import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa

from flows import clock, nights, redeploy, slots
from flows.builds import live, retention
from flows.campaigns import gate
from flows.campaigns.gate import Decision, Due
from flows.ledger import Ledger, builds, deploy_steps, deploys, now, publications
from flows.ledger import slots as slots_table
from flows.releases.deploys import Deploy, has_published, is_any_open, open_deploy, steps_of
from flows.releases.worktrees import Release, check_out, commit_of, git
from flows.rerun import held_on
from flows.settings import Instance

DAY = dt.date(2017, 11, 21)
OLD, NEW = f"{DAY}-01", f"{DAY}-02"
RELEASE = "0123456789ab"
ENDS = (".duckdb", ".manifest.json", ".batches.json")


@pytest.fixture
def small(tmp_path: Path) -> Instance:
    """An instance with two builds of a date, of which the older one is live."""
    instance = Instance(warehouse=tmp_path / "warehouse", deliveries=tmp_path / "deliveries")
    instance.builds.mkdir(parents=True)
    ledger = Ledger(instance.ledger_url)
    for build_id in (OLD, NEW):
        add_build(instance, ledger, build_id, "built")
    live.publish(instance, ledger, OLD)
    return instance


def add_build(instance: Instance, ledger: Ledger, build_id: str, state: str) -> None:
    told = {"business_date": DAY, "release": RELEASE, "inputs": build_id, "started_at": now()}
    ledger.add(builds, build_id=build_id, state=state, **told)
    for end in ENDS:
        (instance.builds / f"{build_id}{end}").touch()


def states(ledger: Ledger) -> dict[str, str]:
    return {row["build_id"]: row["state"] for row in ledger.rows(sa.select(builds))}


def move_the_link_only(instance: Instance, build_id: str) -> None:
    """Do what a publication does that is killed before its transaction ends."""
    instance.live.unlink()
    instance.live.symlink_to(live.path_of(instance, build_id).relative_to(instance.root))


def kinds(ledger: Ledger) -> list[tuple[str, str]]:
    rows = ledger.rows(sa.select(publications).order_by(publications.c.id))
    return [(row["kind"], row["build_id"]) for row in rows]


def test_the_last_move_of_a_rehearsal_is_no_roll_back_when_it_was_cut_off(small: Instance) -> None:
    ledger = Ledger(small.ledger_url)
    live.publish(small, ledger, NEW)
    live.roll_back(small, ledger)
    move_the_link_only(small, NEW)

    nights.repair(small, ledger)

    assert kinds(ledger)[-1] == ("repaired", NEW)
    assert states(ledger) == {OLD: "published", NEW: "published"}
    assert live.roll_back(small, ledger) == (NEW, OLD)


def test_a_roll_back_that_was_cut_off_is_written_down_as_one(small: Instance) -> None:
    ledger = Ledger(small.ledger_url)
    live.publish(small, ledger, NEW)
    move_the_link_only(small, OLD)

    nights.repair(small, ledger)

    assert kinds(ledger)[-1] == ("roll back", OLD)
    assert states(ledger) == {OLD: "published", NEW: "rolled back"}


def test_of_a_build_that_was_cut_off_nothing_is_left(small: Instance) -> None:
    ledger = Ledger(small.ledger_url)
    add_build(small, ledger, f"{DAY}-03", "building")
    (small.builds / "candidate.duckdb.wal").touch()

    said = nights.repair(small, ledger)

    assert states(ledger)[f"{DAY}-03"] == "failed"
    assert {path.name[:13] for path in small.builds.iterdir()} == {OLD, NEW}
    assert any(f"{DAY}-03 was cut off" in sentence for sentence in said)


def test_a_removal_that_was_cut_off_is_finished_by_the_next(small: Instance) -> None:
    small = small.model_copy(update={"keep_builds": 2})
    older = f"{DAY - dt.timedelta(days=1)}-01"
    # As it stands when the first of its files is gone.
    for end in ENDS[::2]:
        (small.builds / f"{older}{end}").touch()

    assert retention.remove_old_builds(small) == [older]
    assert not list(small.builds.glob(f"{older}*"))


def begun(ledger: Ledger, step: str) -> Deploy:
    """A deploy that is killed at a step: nobody ends the rows."""
    run = open_deploy(ledger, RELEASE, OLD)
    run.tell(candidate_id=NEW)
    told = {"deploy_id": run.deploy_id, "step": step, "state": "running", "started_at": now()}
    ledger.add(deploy_steps, **told)
    return run


def test_a_deploy_that_was_killed_when_it_was_live_has_proven_its_release(small: Instance) -> None:
    ledger = Ledger(small.ledger_url)
    run = begun(ledger, "publish")
    live.publish(small, ledger, NEW)

    said = nights.repair(small, ledger)

    assert has_published(ledger, RELEASE)
    assert not is_any_open(ledger)
    assert [row["state"] for row in steps_of(ledger, run.deploy_id)] == ["done"]
    told = f"The deploy of {RELEASE} was killed at the step publish, and {NEW} is live."
    assert said == [told]


def test_a_deploy_that_was_killed_before_it_was_live_is_taken_up_again(small: Instance) -> None:
    ledger = Ledger(small.ledger_url)
    run = begun(ledger, "compare")

    nights.repair(small, ledger)

    row = ledger.row(sa.select(deploys)) or {}
    assert (row["state"], has_published(ledger, RELEASE)) == ("killed", False)
    assert [each["state"] for each in steps_of(ledger, run.deploy_id)] == ["killed"]
    assert open_deploy(ledger, RELEASE, OLD).deploy_id == run.deploy_id


def test_what_was_held_is_sent_by_the_rerun_after_one_that_was_killed_before_it_sent(
    small: Instance,
) -> None:
    ledger = Ledger(small.ledger_url)
    lovers, news = [Due(f"{name}_email", name, "email", 9, 1, 0) for name in ("lovers", "news")]
    night = [Decision(lovers, "held", "It reads what did not come."), Decision(news, "go", "")]
    gate.write_down(ledger, OLD, DAY, night)
    gate.write_down(ledger, NEW, DAY, [Decision(each, "go", "") for each in (lovers, news)])

    assert held_on(ledger, DAY) == {"lovers_email"}


def deploy_what_is_live(
    small: Instance, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> str:
    """Run the redeploy of the release that made live, without a git of its own."""
    release = Release(RELEASE, tmp_path)
    monkeypatch.setattr(redeploy, "fetch", lambda: None)
    monkeypatch.setattr(redeploy, "check_out", lambda _instance, _ref: release)
    monkeypatch.setattr(redeploy, "code_of_live", lambda _instance, _ledger: release)
    return redeploy.deploy(small, ledger, RELEASE, clock.now(small))


def test_the_slot_of_a_deploy_that_was_killed_when_all_was_done_is_given_back(
    small: Instance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ledger = Ledger(small.ledger_url)
    with slots.hold(small, ledger, "the deploy"):
        left = ledger.row(sa.select(slots_table))
    # As it stands when the process was killed before it removed its row.
    assert left is not None
    ledger.add(slots_table, **left)

    said = deploy_what_is_live(small, ledger, monkeypatch, tmp_path)

    assert "is live already" in said
    assert ledger.rows(sa.select(slots_table)) == []


def test_a_release_that_is_live_is_said_to_be_while_another_batch_has_the_slot(
    small: Instance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ledger = Ledger(small.ledger_url)
    with slots.hold(small, ledger, "the night"):
        assert "is live already" in deploy_what_is_live(small, ledger, monkeypatch, tmp_path)
        assert [row["doing"] for row in ledger.rows(sa.select(slots_table))] == ["the night"]


def test_what_a_dead_process_spilled_goes_and_what_a_reader_spills_stays(small: Instance) -> None:
    for name in ("consents-2017-11-21", "deploy/comparison-a1", "comparison-b2", "sample-consents"):
        (small.root / "spill" / name).mkdir(parents=True)
        (small.root / "spill" / name / "typed.parquet").touch()

    nights.repair(small, Ledger(small.ledger_url))

    left = {path.name for path in (small.root / "spill").iterdir()}
    assert left == {"comparison-b2", "sample-consents"}


def test_a_release_that_git_was_killed_while_checking_out_is_checked_out(
    small: Instance, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(["git", "init", "--quiet", str(project)], check=True)
    (project / "requirements.lock").touch()
    git(project, "add", "--all")
    git(project, *who, "commit", "--quiet", "-m", "Begin")
    release = check_out(small, "HEAD", project)
    # A git that is killed leaves its lock on the folder, and of the files those it came to.
    git(project, "worktree", "lock", "--reason", "initializing", str(release.folder))
    (release.folder / "requirements.lock").unlink()

    again = check_out(small, "HEAD", project)

    assert again.commit == commit_of("HEAD", project)
    assert (again.folder / "requirements.lock").is_file()
