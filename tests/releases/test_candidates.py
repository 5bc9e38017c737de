"""A candidate: made in part it equals one made whole, and it is made of what live is made of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from flows.builds import fingerprints, live
from flows.clock import now as clock_now
from flows.errors import WindowMissed
from flows.ledger import Ledger
from flows.release_checks import closing_hour
from flows.releases.worktrees import check_out
from flows.settings import Instance, read_instance
from tests.releases.control import LIVE, Control
from tests.releases.test_redeploy import COUNTED, COUNTED_OTHERWISE, SERVICE


def asked(instance: Instance, control: Control, commit: str, *what: str) -> dict[str, Any]:
    """Ask a release as a deploy does; return its answer."""
    release = check_out(instance, commit, control.folder)
    done = subprocess.run(
        [sys.executable, "-m", "flows.releases.remake", *what],
        cwd=release.folder,
        env=os.environ | {"PYTHONPATH": str(release.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    last = json.loads(done.stdout.splitlines()[-1])
    assert "done" in last, last
    return dict(last["done"])


def test_a_candidate_made_in_part_equals_one_made_whole(
    instance: Instance, ledger: Ledger, control: Control
) -> None:
    edits = {
        SERVICE: (COUNTED, COUNTED_OTHERWISE),
        "seeds/thresholds.csv": ("at_risk_days,60,", "at_risk_days,61,"),
    }
    commit = control.release(edits)
    part = asked(instance, control, commit, "candidate", LIVE)
    assert {"customer_service", "attribute_distributions"} <= set(part["remade"])
    assert "int_order_lines" not in part["remade"]
    made = fingerprints.take(live.path_of(instance, part["build_id"]))
    # The same inputs would be kept as they are: forget them.
    for path in instance.builds.glob(f"{part['build_id']}*"):
        path.unlink()
    whole = asked(instance, control, commit, "candidate", LIVE, "--from-nothing")
    assert whole["build_id"] != part["build_id"]
    assert set(part["remade"]) < set(whole["remade"])
    assert fingerprints.take(live.path_of(instance, whole["build_id"])) == made


def test_what_is_made_of_live_reads_its_batches_whatever_came_since(
    instance: Instance, ledger: Ledger, control: Control
) -> None:
    from flows.ledger import deliveries

    ledger.change(deliveries, deliveries.c.table_name == "transactions", taken=False)
    told = asked(instance, control, control.commit, "replay", LIVE)
    assert told["tables"] > 50


@pytest.mark.parametrize(
    ("starts_at", "is_open"),
    [
        # The played clock runs on while tests do.
        ("2026-11-24T12:00:00", False),
        ("2026-11-24T15:00:00", True),
        ("2026-11-24T17:00:00", True),
        ("2026-11-24T19:00:00", False),
        ("2026-11-25T03:00:00", False),
    ],
)
def test_a_release_keeps_to_its_hours_and_never_catches_up_at_night(
    monkeypatch: pytest.MonkeyPatch, starts_at: str, is_open: bool
) -> None:
    monkeypatch.setenv("SCV_NIGHT_STARTS_AT", starts_at)
    read_instance.cache_clear()
    instance = read_instance()
    try:
        if is_open:
            closes = closing_hour(instance)
            assert closes.hour == instance.redeploy_closes.hour
            assert closes.utcoffset() == clock_now(instance).utcoffset()
        else:
            with pytest.raises(WindowMissed, match="waits for the next slot"):
                closing_hour(instance)
    finally:
        read_instance.cache_clear()
