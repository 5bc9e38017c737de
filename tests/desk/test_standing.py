"""Where a request is: what people said, then what git and the ledgers know, each step once."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from flows.comparison.expected import Request
from flows.desk.history.git_log import Commit, Log, Touch
from flows.desk.sides import sides_of
from flows.desk.standing import REQUESTS, Standing, moment, standing_of
from flows.desk.store import Desk
from flows.desk.written import written
from flows.errors import AwaitsApproval
from flows.ledger import Ledger, now, publications
from flows.releases import deploys, requests
from flows.releases.deploys import Deploy
from flows.settings import Instance
from tests.desk.asked import asked

FILE = "CR-0042-returns-per-basket-that-came-back.yml"
LIVE, CANDIDATE = "2017-11-21-01", "2017-11-21-02"
COMMIT, HASH = "0123456789ab", "4f1c9a0b7d2e55aa"


class Office:
    """Production behind QA, each with a ledger, and a folder of accepted requests."""

    def __init__(self, root: Path) -> None:
        self.qa = Ledger(f"sqlite:///{root / 'qa' / 'ledger.sqlite'}")
        self.instance = Instance(instance="production", warehouse=root, after="qa")
        self.ledger = Ledger(self.instance.ledger_url)
        self.desk = Desk(self.instance.desk, root / "requests")
        self.desk.accepted.mkdir()

    def is_accepted(self, **more: Any) -> None:
        """Put the request into the project, as accepting it does."""
        said = [{"status": "accepted", "who": "Ada", "at": now() - dt.timedelta(days=9)}]
        content = {**asked("attribute"), "status": "accepted", "history": said, **more}
        (self.desk.accepted / FILE).write_text(written(content))

    def standing(self, log: Log | None = None) -> Standing:
        """Where the request is now."""
        sides = sides_of(self.instance, self.ledger)
        return standing_of(self.desk.read("CR-0042"), sides, log)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """An office with nothing asked for yet."""
    return Office(tmp_path)


def waits(ledger: Ledger, release: str = COMMIT) -> Deploy:
    """A deploy that brings the request, as `redeploy` writes it down until a person decides."""
    run = deploys.open_deploy(ledger, release, LIVE)
    requests.write_down(run, {FILE: Request(title="Returns")})
    run.tell(candidate_id=CANDIDATE, report_hash=HASH)
    with pytest.raises(AwaitsApproval), run.step("approve"):
        raise deploys.awaits(HASH, release, "an audience moved.")
    run.end("waiting", "It waits.")
    return run


def goes_live(run: Deploy, decide: bool = True) -> None:
    """The rest of it, approved by a person or by what it declares."""
    if decide:
        deploys.decide(run.ledger, HASH[:12], "approved", "Grace", "As asked for.")
    with run.step("approve") as step:
        step.sentence = "Everything that differs is declared."
    run.end("published", "It is live.")


def told(standing: Standing) -> list[str]:
    """The steps in a word or two, in their order."""
    return [each.what for each in standing.timeline]


def test_on_the_desk_it_is_what_people_said(office: Office) -> None:
    draft = office.desk.create({"title": "Returns"}, "Jordan")
    office.desk.say(draft.id, "submitted", "Jordan")
    office.desk.say(draft.id, "questions", "Ada", "Of which shops?")
    found = standing_of(office.desk.read(draft.id), [])
    assert found.status == "questions"
    assert [(each.what, each.who) for each in found.timeline] == [
        ("draft", "Jordan"),
        ("submitted", "Jordan"),
        ("questions", "Ada"),
    ]
    assert found.timeline[-1].note == "Of which shops?"


def test_it_is_built_when_the_code_has_it(office: Office) -> None:
    office.is_accepted()
    assert office.standing().status == "built", "without git the file counts"
    path = f"{REQUESTS}/{FILE}"
    elsewhere = Log(there=frozenset())
    assert office.standing(elsewhere).status == "accepted", "it is on a branch, or not committed"
    commit = Commit("f" * 40, now(), "Lin", "Merge the returns", (Touch(path, None, "a" * 40),))
    found = office.standing(Log((commit,), frozenset([path])))
    assert found.status == "built"
    assert found.timeline[-1].who == "Lin"
    assert "Merge the returns (ffffffffffff)" in found.timeline[-1].note


def test_it_goes_through_qa_to_live_and_back(office: Office) -> None:
    office.is_accepted()
    tried = waits(office.qa)
    assert office.standing().status == "in QA"
    goes_live(tried)
    found = office.standing()
    assert found.status == "approved"
    approval = found.last("approved")
    assert approval is not None
    assert (approval.who, approval.note) == ("Grace", "As asked for.")
    assert not approval.link, "QA has pages of its own"

    run = waits(office.ledger)
    goes_live(run)
    found = office.standing()
    assert found.status == "deployed"
    assert found.live_since is not None
    assert found.timeline[-1].link == f"releases/index.html#deploy-{run.deploy_id}"
    assert found.timeline[-1].report == f"comparisons/{CANDIDATE}.html"
    assert found.candidates == (CANDIDATE,)
    assert told(found)[-1] == "live on production"
    assert told(found).index("live on qa") < told(found).index("live on production")

    later = now() + dt.timedelta(hours=1)
    office.ledger.add(
        publications,
        build_id=LIVE,
        replaced_build_id=CANDIDATE,
        kind="roll back",
        published_at=later,
    )
    deploys.roll_back(office.ledger, CANDIDATE, "The shape was broken.")
    found = office.standing()
    assert found.status == "rolled back"
    assert (found.timeline[-1].at, found.timeline[-1].note) == (later, "The shape was broken.")
    assert found.live_since is None


def test_what_was_taken_back_on_qa_or_refused_there_is_only_built(office: Office) -> None:
    office.is_accepted()
    run = waits(office.qa)
    deploys.decide(office.qa, HASH, "refused", "Grace", "Too many customers.")
    run.end("refused", "Refused by Grace.")
    found = office.standing()
    assert found.status == "built"
    assert "refused on qa" in told(found)
    goes_live(waits(office.qa, "ba9876543210"))
    assert office.standing().status == "approved"
    deploys.roll_back(office.qa, CANDIDATE)
    assert office.standing().status == "built"


def test_a_release_by_itself_is_approved_by_what_it_declares(office: Office) -> None:
    office.is_accepted()
    run = deploys.open_deploy(office.qa, COMMIT, LIVE)
    requests.write_down(run, {FILE: Request()})
    run.tell(candidate_id=CANDIDATE, report_hash=HASH)
    goes_live(run, decide=False)
    found = office.standing()
    assert found.status == "approved"
    approval = found.last("approved")
    assert approval is not None
    assert (approval.who, approval.note) == ("", "Everything that differs is declared.")


@pytest.mark.parametrize("instance", ["production", "qa"])
def test_what_was_recorded_outlives_the_warehouse_and_is_told_once(
    instance: str, office: Office
) -> None:
    recorded = {
        "instance": instance,
        "commit": COMMIT,
        "business_date": dt.date(2017, 11, 21),
        "at": now() - dt.timedelta(days=1),
        "build": CANDIDATE,
        "comparison": HASH,
        "approved_by": "Grace",
    }
    office.is_accepted(released=[recorded])
    found = office.standing()
    assert found.status == ("deployed" if instance == "production" else "in QA")
    assert told(found) == ["accepted", f"live on {instance}"]
    assert found.timeline[-1].who == "Grace"
    goes_live(waits(office.ledger if instance == "production" else office.qa))
    assert told(office.standing()).count(f"live on {instance}") == 1


def test_a_look_at_qa_makes_no_ledger(tmp_path: Path) -> None:
    instance = Instance(instance="production", warehouse=tmp_path, after="qa")
    sides = sides_of(instance, Ledger(instance.ledger_url))
    assert [side.instance for side in sides] == ["production"]
    assert not (tmp_path / "qa").exists()


def test_another_request_moves_nothing(office: Office) -> None:
    office.is_accepted()
    run = deploys.open_deploy(office.ledger, COMMIT, LIVE)
    requests.write_down(run, {"CR-0043-other.yml": Request()})
    run.end("published", "It is live.")
    assert office.standing().status == "built"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-24T02:00:00+02:00", dt.datetime(2026, 11, 24)),
        (dt.datetime(2026, 11, 24, 1), dt.datetime(2026, 11, 24, 1)),
        ("2026-11-24", dt.datetime(2026, 11, 24)),
        ("yesterday", None),
        (None, None),
        (7, None),
    ],
)
def test_times_are_utc_as_in_the_ledger(value: Any, expected: dt.datetime | None) -> None:
    assert moment(value) == expected
