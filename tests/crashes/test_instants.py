"""At which step each instant of a run is, as the hook notes it of the ledger's statements."""

from __future__ import annotations

import runpy

import pytest

from tests.crashes import instants
from tests.crashes.instants import AFTER, BEFORE
from tests.crashes.scenarios import HOOK


@pytest.mark.parametrize(
    ("statement", "step"),
    [
        (
            "INSERT INTO nights (business_date, pid, step, state) "
            "VALUES ('2017-11-22', 7, 'starting', 'running')",
            "starting",
        ),
        ("UPDATE nights SET step='building the view' WHERE nights.id = 3", "building the view"),
        ("UPDATE nights SET state='done', sentence='Sent.' WHERE nights.id = 3", "done"),
        (
            "INSERT INTO deploy_steps (deploy_id, step, state) VALUES (1, 'replay', 'running')",
            "replay",
        ),
        ("INSERT INTO deploys (release, state) VALUES ('bb62e3b1737a', 'running')", None),
        ("UPDATE deploys SET candidate_id='2017-11-21-02' WHERE deploys.id = 1", None),
        ("UPDATE builds SET state='published' WHERE builds.build_id = '2017-11-21-02'", None),
    ],
)
def test_a_statement_tells_the_step(statement: str, step: str | None) -> None:
    told = runpy.run_path(str(HOOK))["TOLD"].match(statement)
    assert (told and (told[1] or told[2])) == step


def test_a_step_lasts_until_the_commit_of_the_next_one() -> None:
    labels = [
        "mkdir demo",
        "ledger insert nights: starting",
        "ledger commit nights: starting",
        "ledger update nights: publishing",
        "ledger commit nights: publishing",
        "rename live.duckdb",
        "ledger update nights: done",
        "ledger commit nights: done",
        "rename live.duckdb",
    ]
    found = instants.read(f"main {number} {label}" for number, label in enumerate(labels, 1))

    assert [(each.step, each.edge) for each in found] == [
        (BEFORE, "first"),
        (BEFORE, ""),
        (BEFORE, "last"),
        ("starting", "first"),
        ("starting", "last"),
        ("publishing", "first"),
        ("publishing", ""),
        ("publishing", "last"),
        (AFTER, "first"),
    ]
    assert [each.at for each in found if each.label == "rename live.duckdb"] == [
        "main rename live.duckdb #1",
        "main rename live.duckdb #2",
    ]


def test_what_another_process_or_a_repair_writes_is_no_step() -> None:
    notes = ["main 1 ledger commit deploys: killed", "replay 1 ledger commit nights: starting"]
    assert {each.step for each in instants.read(notes)} == {BEFORE}
