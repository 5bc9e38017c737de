"""Tuesdays on the demo client: releases as people make them, and what becomes of each."""

from __future__ import annotations

import json
import re

import duckdb
import pytest
import sqlalchemy as sa

from flows.builds import fingerprints, live
from flows.ledger import Ledger, deploys, occurrences, publications
from flows.releases.deploys import steps_of
from flows.settings import Instance
from tests.conftest import NIGHTS, Answer
from tests.releases.control import LIVE, Control, is_proved

SECOND = f"{NIGHTS[-1]}-02"
SERVICE = "models/marts/customer_service.sql"
COUNTED = "cast(coalesce(counted.cases_90d, desk.nothing) as integer) as cases_90d"
COUNTED_OTHERWISE = (
    "cast(coalesce(counted.cases_90d, desk.nothing)\n"
    "            + case when households.customer_id % 50 = 7 then 1 else 0 end as integer)\n"
    "            as cases_90d"
)
CONSENT_TEST = "nobody_is_contactable_without_a_consent_event"
DECLARED = """
title: A case more for some
expects:
  attributes:
    cases_90d: {share_at_most: 0.05, why: The desk counts otherwise.}
"""


def newest(ledger: Ledger) -> dict[str, object]:
    row = ledger.row(sa.select(deploys).order_by(deploys.c.id.desc()))
    assert row is not None
    return dict(row)


def moves(ledger: Ledger) -> list[tuple[str, str]]:
    query = sa.select(publications).order_by(publications.c.id)
    return [(row["kind"], row["build_id"]) for row in ledger.rows(query)]


def nothing_moved(instance: Instance, ledger: Ledger) -> bool:
    return live.current(instance) == LIVE and moves(ledger)[-1] == ("publish", LIVE)


def everything_sent(ledger: Ledger) -> list[dict[str, object]]:
    return [dict(row) for row in ledger.rows(sa.select(occurrences))]


def test_a_release_that_changes_nothing_is_proved_rehearsed_and_published_by_itself(
    instance: Instance, ledger: Ledger, control: Control
) -> None:
    sent, before = everything_sent(ledger), fingerprints.take(live.path_of(instance, LIVE))
    release = control.release({"README.md": ("# scv: ", "# The scv: ")})
    answer = control.scv("redeploy", release)
    assert answer.code == 0, answer.err
    assert f"{release} is live as {SECOND}" in answer.out
    assert live.current(instance) == SECOND
    assert fingerprints.take(live.path_of(instance, SECOND)) == before
    rehearsed = [("publish", SECOND), ("roll back", LIVE), ("publish", SECOND)]
    assert moves(ledger)[-3:] == rehearsed
    assert everything_sent(ledger) == sent
    row = newest(ledger)
    assert (row["state"], row["release"], row["candidate_id"]) == ("published", release, SECOND)
    steps = [(each["step"], each["state"]) for each in steps_of(ledger, row["id"])]
    names = ("all sent", "replay", "candidate", "compare", "approve", "publish")
    assert steps == [(name, "done") for name in names]
    again = control.scv("redeploy", release)
    assert (again.code, "live already" in again.out) == (0, True)
    # And back in no time, with its code.
    back = control.scv("rollback")
    assert back.code == 0, back.err
    assert live.current(instance) == LIVE
    assert newest(ledger)["state"] == "rolled back"
    listed = control.scv("releases")
    assert release in listed.out and "rolled back" in listed.out


def test_a_declared_change_goes_live_by_itself_with_a_report(
    instance: Instance, ledger: Ledger, control: Control
) -> None:
    is_proved(ledger)
    edits = {SERVICE: (COUNTED, COUNTED_OTHERWISE)}
    release = control.release(edits, {"docs/requests/0001-a-case-more.yml": DECLARED})
    answer = control.scv("redeploy", release)
    assert answer.code == 0, answer.err
    assert live.current(instance) == SECOND
    report = instance.reports / "comparisons" / SECOND
    told = json.loads(report.with_suffix(".json").read_text())
    assert told["judgement"]["verdict"] == "declared"
    assert "cases_90d" in report.with_suffix(".html").read_text()
    with duckdb.connect(str(instance.live), read_only=True) as connection:
        query = "select distinct build_id, code_version from marts.single_customer_view"
        assert connection.execute(query).fetchall() == [(SECOND, release)]


@pytest.fixture
def undeclared(ledger: Ledger, control: Control) -> str:
    """A release that counts otherwise and says nothing of it."""
    is_proved(ledger)
    return control.release({SERVICE: (COUNTED, COUNTED_OTHERWISE)})


def asked_for(answer: Answer) -> str:
    """Return the hash that a person is asked to approve."""
    found = re.search(r"scv approve ([0-9a-f]{12})", answer.err)
    assert found is not None, answer.err
    return found[1]


def test_an_undeclared_change_waits_with_its_attribute_and_customers_until_it_is_approved(
    instance: Instance, ledger: Ledger, control: Control, undeclared: str
) -> None:
    answer = control.scv("redeploy", undeclared)
    assert answer.code == 3
    assert "cases_90d changed for" in answer.err
    assert re.search(r"cases_90d of customers such as \d+", answer.err)
    assert nothing_moved(instance, ledger)
    assert newest(ledger)["state"] == "waiting"
    status = control.scv("status")
    assert f"scv approve {asked_for(answer)}" in status.out
    wrong = control.scv("approve", "0" * 12, "--who", "Ada", "--why", "Unread")
    assert (wrong.code, "has the hash 000000000000" in wrong.err) == (2, True)

    why = ("--who", "Ada", "--why", "The desk asked for it")
    assert control.scv("approve", asked_for(answer), *why).code == 0
    # The approval is of this comparison: what is made otherwise afterwards asks again.
    altered = control.release({SERVICE: (COUNTED, COUNTED_OTHERWISE.replace("= 7", "= 8"))})
    asked_again = control.scv("redeploy", altered)
    assert asked_again.code == 3
    assert asked_for(asked_again) != asked_for(answer)
    assert nothing_moved(instance, ledger)

    approved = control.scv("redeploy", undeclared)
    assert approved.code == 0, approved.err
    assert live.current(instance) == SECOND
    first = ledger.row(sa.select(deploys).where(deploys.c.release == undeclared))
    assert first is not None
    assert "Approved by Ada" in " ".join(e["sentence"] for e in steps_of(ledger, first["id"]))


def test_a_candidate_that_was_altered_after_its_approval_asks_again_and_may_be_refused(
    instance: Instance, ledger: Ledger, control: Control, undeclared: str
) -> None:
    answer = control.scv("redeploy", undeclared)
    why = ("--who", "Ada", "--why", "The desk asked for it")
    assert control.scv("approve", asked_for(answer), *why).code == 0
    candidate = live.path_of(instance, SECOND)
    candidate.chmod(0o644)
    with duckdb.connect(str(candidate)) as connection:
        connection.execute(
            "update marts.customer_service set cases_open = 9 where customer_id % 50 = 8"
        )
    answer = control.scv("redeploy", undeclared)
    assert answer.code == 3
    assert "cases_open changed for" in answer.err
    assert nothing_moved(instance, ledger)
    no = ("--who", "Ada", "--why", "Not this week", "--refuse")
    assert control.scv("approve", asked_for(answer), *no).code == 0
    refused = control.scv("redeploy", undeclared)
    assert refused.code == 1
    assert "refused by Ada: Not this week" in refused.err
    assert nothing_moved(instance, ledger)


def test_a_release_that_makes_somebody_contactable_fails_a_test_and_without_it_is_stopped(
    instance: Instance, ledger: Ledger, control: Control
) -> None:
    is_proved(ledger)
    asked = "may_be_written_to and allow_email and email_deliverable"
    unasked = asked.replace("allow_email", "(allow_email or customer_id % 50 = 7)")
    edits = {"models/marts/customer_reachability.sql": (asked, unasked)}
    stopped = control.scv("redeploy", control.release(edits))
    assert stopped.code == 1
    assert f"{CONSENT_TEST} failed" in stopped.err
    assert nothing_moved(instance, ledger)
    assert newest(ledger)["state"] == "stopped"
    assert not list(instance.builds.glob("candidate*"))
    # Nor does it help to take the test away that stands before it.
    release = control.release(edits, {f"tests/data/{CONSENT_TEST}.sql": None})
    answer = control.scv("redeploy", release)
    assert answer.code == 1
    assert "must not go live" in answer.err
    assert nothing_moved(instance, ledger)


def test_a_release_waits_until_all_campaigns_are_out(
    instance: Instance, ledger: Ledger, control: Control, undeclared: str
) -> None:
    for receipt in instance.outbox.glob(f"*/receipt__{NIGHTS[-1]}.json"):
        receipt.unlink()
    answer = control.scv("redeploy", undeclared)
    assert answer.code == 1
    assert "has not receipted it" in answer.err
    assert nothing_moved(instance, ledger)
    assert ledger.row(sa.select(deploys).where(deploys.c.release == undeclared)) is None


def test_production_takes_only_what_went_before_it(
    instance: Instance, ledger: Ledger, control: Control, undeclared: str
) -> None:
    answer = control.scv("redeploy", undeclared, SCV_AFTER="qa")
    assert answer.code == 1
    assert "has not been published on qa" in answer.err
    assert nothing_moved(instance, ledger)


def test_there_is_no_release_of_a_commit_that_is_not_there(control: Control) -> None:
    answer = control.scv("redeploy", "no-such-branch")
    assert answer.code == 2
    assert "no commit no-such-branch" in answer.err
