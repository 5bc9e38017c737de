"""What is said of a release that runs, waits, lapsed or was refused, and who may decide."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from flows import slots
from flows.errors import AwaitsApproval, SettingsWrong
from flows.ledger import Ledger, approvals
from flows.releases import deploys
from flows.settings import Instance
from tests.conftest import Answer
from tests.releases.control import LIVE

Scv = Callable[..., Answer]
RELEASE, HASH = "0123456789ab", "4f1c9a0b7d2e55aa"
BY_ADA = ("--who", "Ada", "--why", "Not this week")


@pytest.fixture
def waiting(ledger: Ledger) -> deploys.Deploy:
    """A deploy that waits for a person."""
    run = deploys.open_deploy(ledger, RELEASE, LIVE)
    run.tell(report_hash=HASH)
    with pytest.raises(AwaitsApproval) as waits, run.step("approve"):
        raise deploys.awaits(HASH, RELEASE, "One audience moved.")
    run.end("waiting", str(waits.value))
    return run


def state_of(ledger: Ledger) -> str:
    row = deploys.latest(ledger)
    assert row is not None
    return str(row["state"])


def test_what_waits_lapses_when_live_has_moved_and_only_then(
    ledger: Ledger, waiting: deploys.Deploy, scv: Scv
) -> None:
    deploys.lapse(ledger, LIVE)
    assert state_of(ledger) == "waiting"
    deploys.lapse(ledger, "2017-11-22-01")
    assert state_of(ledger) == "lapsed"
    told = " ".join(scv("status").out.split())
    assert f"compared with {LIVE}, and 2017-11-22-01 is live now. Then: scv redeploy" in told
    with pytest.raises(SettingsWrong, match="none is waiting"):
        deploys.decide(ledger, HASH, "approved", "Ada", "Read")


@pytest.mark.parametrize("nobody", [("--who", "", "--why", "Read"), ("--who", "Ada", "--why", " ")])
def test_nobody_decides_nameless_or_without_a_reason(
    ledger: Ledger, waiting: deploys.Deploy, scv: Scv, nobody: tuple[str, ...]
) -> None:
    answer = scv("approve", HASH[:12], *nobody)
    assert answer.code == 2
    assert "say it" in answer.err
    assert ledger.rows(sa.select(approvals)) == []


def test_what_was_refused_does_not_wait_any_more_and_is_not_to_be_said_again(
    ledger: Ledger, waiting: deploys.Deploy, scv: Scv
) -> None:
    answer = scv("approve", HASH[:12], *BY_ADA, "--refuse")
    assert answer.code == 0, answer.err
    assert "was refused by Ada: Not this week. Mend it, and deploy what is mended." in answer.out
    assert "Go on with" not in answer.out
    assert state_of(ledger) == "refused"
    assert f"scv redeploy {RELEASE}" not in scv("status").out
    assert scv("releases").out.splitlines()[-1].endswith("deploy what is mended.")


def test_status_says_what_a_running_release_does_and_when_it_was_killed(
    instance: Instance, ledger: Ledger, scv: Scv
) -> None:
    run = deploys.open_deploy(ledger, RELEASE, LIVE)
    with run.step("candidate"):
        with slots.hold(instance, ledger, f"the deploy of {RELEASE}"):
            running = " ".join(scv("status").out.split())
        # Whoever was killed holds nothing, and has written nothing down.
        killed = " ".join(scv("status").out.split())
    assert f"A release is running at the step candidate: {RELEASE}" in running
    assert "A release was killed at the step candidate. Take it up again" in killed
