"""What was done with a field, from a repository with commits of its own, requests and deploys."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from flows.comparison.expected import Request
from flows.desk.field_history import Known, read_known, threshold_changes
from flows.desk.history.contract_changes import differences
from flows.desk.history.git_log import NO_GIT, SHALLOW
from flows.desk.history.outcomes import read_outcome
from flows.desk.history.touched import touched
from flows.desk.written import written
from flows.ledger import Ledger
from flows.releases import deploys, requests
from flows.settings import Instance
from tests.desk.asked import asked

TABLE = """
sources:
  - name: raw
    tables:
      - name: returns
        config:
          meta:
            if_missing: use_last_good
            decided_by: Head of CRM
            suite:
              - {type: expect_table_row_count_to_be_between, kwargs: {min_value: 1}, severity: info}
        columns:
          - {name: return_id, data_type: bigint}
          - name: reason
            data_type: varchar
            config:
              meta:
                suite:
                  - {type: expect_column_values_to_not_be_null, severity: warning}
"""
# Each commit: its subject, and what of the contract stands otherwise by it.
STEPS = {
    "Hold all without returns": ("use_last_good", "hold_all"),
    "Let the DPO decide": ("Head of CRM", "Data protection officer"),
    "Be strict about reasons": ("severity: warning", "severity: critical"),
    "Take in longer numbers": (
        "{name: return_id, data_type: bigint}",
        "{name: return_id, data_type: varchar}",
    ),
    "Ask for two rows": ("min_value: 1", "min_value: 2"),
    "Learn where": ("columns:\n", "columns:\n          - {name: till, data_type: integer}\n"),
}
NUMBERS = "name,value,unit,decided_by\nactive_days,{},days,{}\n"


def git(folder: Path, *arguments: str) -> str:
    """What git says there."""
    who = ["-c", "user.name=Lin", "-c", "user.email=lin@scv.example"]
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(folder: Path, subject: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", subject)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository in which a contract and a threshold changed, commit by commit."""
    folder = tmp_path / "project"
    for name in ("expectations", "seeds", "docs/requests"):
        (folder / name).mkdir(parents=True)
    git(folder, "init", "--quiet")
    contract, text = folder / "expectations" / "returns.yml", TABLE
    numbers = folder / "seeds" / "thresholds.csv"
    contract.write_text(text)
    numbers.write_text(NUMBERS.format(30, "Head of CRM"))
    commit(folder, "Take in returns")
    for subject, (old, new) in STEPS.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
        contract.write_text(text)
        commit(folder, subject)
    numbers.write_text(NUMBERS.format(45, "Head of Shops"))
    commit(folder, "Be active for longer")
    return folder


@pytest.fixture
def office(tmp_path: Path) -> Instance:
    """An instance with nothing on its desk."""
    return Instance(instance="demo", warehouse=tmp_path / "warehouse")


def known(office: Instance, project: Path, table: str | None = None) -> Known:
    return read_known(office, Ledger(office.ledger_url), table, project)


def said(found: Known, name: str) -> list[tuple[str, tuple[str, ...], str]]:
    """Commit subject, what it did, and who decided: the newest first."""
    return [(each.title, each.says, each.who) for each in found.of(name)]


def test_a_contract_tells_who_changed_what_in_words(office: Instance, project: Path) -> None:
    found = known(office, project)
    dpo = "Data protection officer"
    row_count = "the check “table row count to be between”: min_value 1 → min_value 2"
    assert said(found, "returns") == [
        ("Ask for two rows", (row_count,), dpo),
        ("Let the DPO decide", (f"decided by {dpo}, before by Head of CRM",), dpo),
        ("Hold all without returns", ("if_missing: use_last_good → hold_all",), "Head of CRM"),
        ("Take in returns", ("the table got a contract",), "Head of CRM"),
    ]
    assert [each[1] for each in said(found, "returns.reason")] == [
        ("the check “not be null”: warning → critical",),
        ("came with the table",),
    ]
    assert said(found, "returns.return_id")[0][1] == ("type bigint → varchar",)
    assert said(found, "returns.till") == [("Learn where", ("the column came (integer)",), dpo)]
    assert found.note == ""
    assert found.of("returns")[0].name == git(project, "log", "--format=%H", "--grep=two rows")[:12]


def test_a_contract_that_goes_says_so(office: Instance, project: Path) -> None:
    (project / "expectations" / "returns.yml").unlink()
    commit(project, "Do without returns")
    found = known(office, project)
    assert said(found, "returns")[0][1] == ("its contract was taken away",)
    assert said(found, "returns.till")[0][1] == ("went with the table",)


def test_what_was_read_once_is_read_the_same_from_memory(office: Instance, project: Path) -> None:
    first = known(office, project)
    kept = office.root / "history.json"
    assert len(json.loads(kept.read_text())["answers"]) == 7, "a version each"
    assert known(office, project).by_field == first.by_field
    kept.write_text("{ broken")
    assert known(office, project).by_field == first.by_field
    one = known(office, project, "returns")
    assert said(one, "returns") == said(first, "returns")


def test_without_git_it_says_so_and_tells_the_rest(office: Instance, project: Path) -> None:
    shutil.rmtree(project / ".git")
    (project / "docs/requests/CR-0042-a.yml").write_text(request())
    found = known(office, project)
    assert found.note == NO_GIT
    assert not found.of("returns")
    assert found.standings["CR-0042"].status == "built"
    assert [each.name for each in found.of("largest_return_90d")] == ["CR-0042"]


def test_a_folder_in_another_repository_has_no_history_of_its_own(
    office: Instance, project: Path
) -> None:
    shutil.rmtree(project / ".git")
    git(project.parent, "init", "--quiet")
    commit(project.parent, "Keep a copy")
    assert known(office, project).note == NO_GIT


def test_a_shallow_clone_does_not_take_its_end_for_the_beginning(
    office: Instance, project: Path
) -> None:
    clone = project.with_name("clone")
    git(project.parent, "clone", "--quiet", "--depth=3", f"file://{project}", str(clone))
    found = known(office, clone)
    assert found.note == SHALLOW
    assert [each[0] for each in said(found, "returns.till")] == ["Learn where"]
    assert not found.of("returns"), "the commit at which it is cut off says nothing"


def test_a_version_that_is_no_contract_is_passed_over() -> None:
    old = TABLE.encode()
    assert differences(old, b"sources: [") == differences(old, b"")
    assert differences(b"", b"sources: 7") == []
    assert differences(b"", b"sources: [{tables: [{name: a, columns: 3}]}]") == [
        ("a", "", "the table got a contract", "")
    ]


def test_a_decided_number_tells_what_it_was(office: Instance, project: Path) -> None:
    changes = threshold_changes(project, known(office, project).log)
    (entry,) = changes["active_days"]
    assert (entry.says, entry.who) == (("30 → 45",), "Head of Shops")
    assert entry.title == "Be active for longer"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("new_table", {"shop_ratings": "a new table", "shop_ratings.stars": "with the new table"}),
        ("columns", {"returns": "gets taken_back_at, minutes_waited", "returns.taken_back_at": ""}),
        ("attribute", {"largest_return_90d": "a new attribute: Largest return of 90 days"}),
        ("activity", {"web_sessions": "long_visits", "web_sessions.started_at": "long_visits"}),
        ("purchases", {"transactions": "a purchase", "orders_lifetime": "for up to 20.0 % of the"}),
    ],
)
def test_a_request_names_the_fields_that_it_touches(kind: str, expected: dict[str, str]) -> None:
    found = touched(asked(kind))
    for name, words in expected.items():
        assert words in "; ".join(found[name])


@pytest.mark.parametrize(
    "content",
    [{}, {"new_table": 7}, {"columns": {"columns": [1]}}, {"expects": {"attributes": []}}],
)
def test_half_a_request_touches_nothing_and_breaks_nothing(content: dict[str, Any]) -> None:
    assert touched(content) == {}


def request(**more: Any) -> str:
    """An accepted request as its file."""
    history = [{"status": "accepted", "who": "Ada", "at": "2026-11-01 10:00:00"}]
    return written({**asked("attribute"), "status": "accepted", "history": history, **more})


def test_a_request_stands_in_the_history_of_its_attribute(office: Instance, project: Path) -> None:
    (project / "docs/requests/CR-0042-a.yml").write_text(request())
    commit(project, "Accept CR-0042")
    (entry,) = known(office, project).of("largest_return_90d")
    assert (entry.kind, entry.name, entry.status) == ("request", "CR-0042", "built")
    assert entry.who == "Jordan Blake"
    assert entry.link == "requests/CR-0042.html"
    assert [each.what for each in entry.steps] == ["accepted", "in the code"]


def test_drafts_and_closed_ones_are_nobodys_history(office: Instance, project: Path) -> None:
    office.desk.mkdir(parents=True)
    for number, status in (("CR-0001", "draft"), ("CR-0002", "closed"), ("CR-0003", "submitted")):
        history = [{"status": status, "who": "Ada", "at": "2026-11-01 10:00:00"}]
        content = {**asked("attribute"), "id": number, "status": status, "history": history}
        (office.desk / f"{number}.yml").write_text(written(content))
    (office.desk / "CR-0004.yml").write_text("title: [")
    found = known(office, project)
    assert [each.name for each in found.of("largest_return_90d")] == ["CR-0003"]
    assert found.broken == ["CR-0004.yml"]
    assert set(found.standings) == {"CR-0001", "CR-0002", "CR-0003"}


def test_what_a_release_changed_is_told_by_its_comparison(office: Instance, project: Path) -> None:
    ledger = Ledger(office.ledger_url)
    run = deploys.open_deploy(ledger, "0123456789ab", "2017-11-21-01")
    requests.write_down(run, {"CR-0042-a.yml": Request()})
    run.tell(candidate_id="2017-11-21-02", report_hash="4f1c9a0b7d2e55aa")
    office.comparisons.mkdir(parents=True)
    report = office.comparisons / "2017-11-21-02.json"
    report.write_text(json.dumps(REPORT))
    assert not known(office, project).of("net_sales_365d"), "it is not live"
    run.end("published", "It is live.")
    found = known(office, project)
    (entry,) = found.of("net_sales_365d")
    assert (entry.kind, entry.status) == ("comparison", "declared")
    assert entry.says == ("12 customers.",)
    assert entry.link == "comparisons/2017-11-21-02.html"
    assert found.of("largest_return_90d")[0].says == ("It is new.",)
    assert found.outcomes["2017-11-21-02"].findings == ("An audience moved.",)
    assert "987654" not in json.dumps(found.by_field, default=str), "no customer of it"
    report.write_text("{}")
    assert read_outcome(office.comparisons, "2017-11-21-02") is None
    assert not known(office, project).of("net_sales_365d")


REPORT = {
    "verdict": "declared",
    "judgement": {
        "findings": [
            {"name": "net_sales_365d", "kind": "declared", "sentence": "12 customers."},
            {"name": "store_news_email", "kind": "consequence", "sentence": "An audience moved."},
        ]
    },
    "comparison": {
        "relations": [
            {
                "relation": "marts.single_customer_view",
                "columns": {"added": [{"name": "largest_return_90d", "data_type": "decimal"}]},
                "attributes": [
                    {
                        "name": "net_sales_365d",
                        "changed": 12,
                        "share": 0.01,
                        "examples": [{"customer_id": 987654, "before": "1", "after": "2"}],
                    }
                ],
            }
        ]
    },
}
