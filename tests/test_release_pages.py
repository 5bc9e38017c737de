"""The page of the releases: when, what came of each, who approved it, and what to do next."""

from __future__ import annotations

import datetime as dt
from html import unescape
from pathlib import Path

import pytest

from flows.comparison.expected import Request
from flows.errors import AwaitsApproval, ReleaseBlocked
from flows.ledger import Ledger
from flows.release_pages import write_releases
from flows.releases import deploys, requests
from flows.settings import Instance
from tests.test_runbooks import read_page, text_of

LIVE, CANDIDATE = "2017-11-21-01", "2017-11-21-02"
HASH = "4f1c9a0b7d2e55aa"


def page_of(ledger: Ledger, folder: Path) -> Path:
    write_releases(ledger, folder / "releases", "demo")
    return folder / "releases" / "index.html"


def deploy_until_it_waits(ledger: Ledger, release: str) -> deploys.Deploy:
    """A deploy as `redeploy` writes it down, to where a person decides."""
    run = deploys.open_deploy(ledger, release, LIVE)
    with run.step("all sent") as step:
        step.sentence = "Everything due is sent, held or cancelled."
    with run.step("compare") as step:
        run.tell(candidate_id=CANDIDATE, report_hash=HASH)
        step.sentence = "One attribute changed."
    with pytest.raises(AwaitsApproval) as waits, run.step("approve"):
        raise deploys.awaits(HASH, release, "one audience moved <by much>.")
    run.end("waiting", str(waits.value))
    return run


def test_it_gathers_the_requests_that_went_live(ledger: Ledger, tmp_path: Path) -> None:
    run = deploy_until_it_waits(ledger, "0123456789ab")
    asked = Request(title="Cases of a <year>", asked_by="the service desk")
    requests.write_down(run, {"0001-words.yml": Request(title="Was taken out again")})
    requests.write_down(run, {"0002-cases.yml": asked})
    page = page_of(ledger, tmp_path)
    assert "Cases of a <year> ( 0002-cases , asked for by the service desk)." in text_of(page)
    changes = page.with_name("CHANGELOG.md")
    assert "0123456789ab" not in changes.read_text(), "it is not live"
    run.end("published", "It is live.")
    told = page_of(ledger, tmp_path).with_name("CHANGELOG.md").read_text()
    assert f": 0123456789ab, as {CANDIDATE}\n\n- 0002-cases: Cases of a <year>" in told
    assert "taken out" not in told


def test_without_a_deploy_it_says_how_to_begin_one(ledger: Ledger, tmp_path: Path) -> None:
    assert "Nothing has been deployed yet" in text_of(page_of(ledger, tmp_path))


def test_a_release_that_waits_says_what_to_do_and_leads_to_its_report(
    ledger: Ledger, tmp_path: Path
) -> None:
    deploy_until_it_waits(ledger, "0123456789ab")
    page = page_of(ledger, tmp_path)
    told, links = text_of(page), read_page(page)
    assert not links.wrong
    assert "0123456789ab waiting" in told
    assert f"instead of build {LIVE} , as {CANDIDATE}" in told
    assert "What to do next." in told
    assert f"scv approve {HASH[:12]} --who NAME --why REASON" in told
    assert "<by much>" not in page.read_text(), "a sentence is text"
    assert "../runbooks/failures/AwaitsApproval.html" in links.links
    assert f"../comparisons/{CANDIDATE}.html" not in links.links, "that page is not there"
    report = tmp_path / "comparisons" / f"{CANDIDATE}.html"
    report.parent.mkdir()
    report.write_text("a report")
    assert f"../comparisons/{CANDIDATE}.html" in read_page(page_of(ledger, tmp_path)).links


def test_the_steps_stand_in_their_order_with_what_they_came_to(
    ledger: Ledger, tmp_path: Path
) -> None:
    deploy_until_it_waits(ledger, "0123456789ab")
    page = page_of(ledger, tmp_path)
    raw = unescape(page.read_text())
    places = [raw.index(f"<b>{name}</b>") for name in ("all sent", "compare", "approve")]
    assert places == sorted(places)
    assert raw.count('<li class="done">') == 2
    assert raw.count('<li class="waiting">') == 1
    assert "Everything due is sent" in raw


def test_who_approved_it_and_why_stays_on_the_page(ledger: Ledger, tmp_path: Path) -> None:
    run = deploy_until_it_waits(ledger, "0123456789ab")
    deploys.decide(ledger, HASH[:12], "approved", "Ada Reviewer", "As the request says.")
    run.end("published", "0123456789ab is live.")
    told = text_of(page_of(ledger, tmp_path))
    assert "Approved by Ada Reviewer" in told
    assert "As the request says." in told
    assert "0123456789ab published" in told
    assert "What to do next" not in told
    deploys.roll_back(ledger, CANDIDATE, "The shape was broken.")
    told = text_of(page_of(ledger, tmp_path))
    assert "0123456789ab rolled back" in told
    assert "The shape was broken." in told


def test_the_newest_is_first_and_a_stopped_one_says_how_to_go_on(
    ledger: Ledger, tmp_path: Path
) -> None:
    deploys.open_deploy(ledger, "aaaaaaaaaaaa", LIVE)
    deploys.repair(ledger, LIVE)
    run = deploys.open_deploy(ledger, "bbbbbbbbbbbb", LIVE)
    with pytest.raises(ReleaseBlocked), run.step("approve"):
        raise ReleaseBlocked("bbbbbbbbbbbb must not go live: a consent.")
    run.end("stopped", "bbbbbbbbbbbb must not go live: a consent.")
    page = page_of(ledger, tmp_path)
    told = text_of(page)
    assert told.index("bbbbbbbbbbbb") < told.index("aaaaaaaaaaaa")
    assert "Then: scv redeploy bbbbbbbbbbbb" in told
    assert "It was killed. Take it up again: scv redeploy aaaaaaaaaaaa" in told
    assert "../runbooks/failures/ReleaseBlocked.html" in read_page(page).links


def test_a_running_one_says_so(ledger: Ledger, tmp_path: Path) -> None:
    deploys.open_deploy(ledger, "aaaaaaaaaaaa", LIVE)
    assert "It is running" in text_of(page_of(ledger, tmp_path))


def test_a_deploy_that_stops_at_once_still_writes_the_pages(
    instance: Instance, prefect_server: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import redeploy
    from flows.errors import NoSuchRelease

    page = instance.reports / "releases" / "index.html"
    page.unlink()
    monkeypatch.setattr(redeploy, "fetch", lambda: None)
    with pytest.raises(NoSuchRelease):
        redeploy.redeploy("no-such-branch")
    assert "Nothing has been deployed yet" in text_of(page)
    assert (instance.reports / "nights" / f"{dt.date(2017, 11, 21)}.html").is_file()
