"""Accepting a request of each kind: a branch that is whole, and passes its own tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from flows.builds.release import git
from flows.contracts.files import read_contracts
from flows.contracts.suites import suite_of
from flows.desk.accepting import Accepted, accept
from flows.desk.findings import read
from flows.desk.known import known_of
from flows.desk.store import Desk
from flows.desk.submitting import submit
from flows.errors import RequestWrong
from flows.settings import Instance
from tests.conftest import PROJECT, World
from tests.desk.asked import KINDS, Content, asked

WHO, WHY = "Dana Weiss", "Agreed on Thursday."
# Purchases have a condition already, by the request before; here the tills are asked anew.
STAGED = "models/staging/stg_transactions.sql"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of this project's very files, with a history of its own."""
    folder = tmp_path_factory.mktemp("project") / "project"
    told = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in told.stdout.splitlines():
        if (PROJECT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((PROJECT / name).read_bytes())
    sql = (folder / STAGED).read_text()
    kept = [line for line in sql.splitlines() if "what counts as" not in line]
    kept = [line for line in kept if not line.startswith("    where ")]
    (folder / STAGED).write_text("\n".join(kept) + "\n")
    (folder / STAGED.replace(".sql", "_unit_tests.yml")).unlink()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "config", "user.name", "A reviewer")
    git(folder, "config", "user.email", "reviewer@scv.example")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Begin")
    return folder


@pytest.fixture
def desk(instance: Instance) -> Desk:
    """The desk of the test's instance."""
    return Desk(instance.desk, instance.desk / "accepted")


def handed_in(desk: Desk, instance: Instance, content: Content) -> str:
    """Put a request on the desk and hand it in; return its number."""
    begun = desk.create(content, "Jordan Blake")
    return submit(desk, begun.id, "Jordan Blake", known_of(instance)).id


@pytest.fixture(scope="module")
def accepted(
    project: Path, world: World, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Accepted]:
    """What each kind's request came to, all merged one after the other."""
    warehouse = tmp_path_factory.mktemp("desk")
    (warehouse / "demo").symlink_to(world.warehouse / "demo")
    instance = Instance(warehouse=warehouse, deliveries=world.deliveries)
    desk = Desk(tmp_path_factory.mktemp("requests"), project / "docs" / "requests")
    done = {}
    for kind in KINDS:
        number = handed_in(desk, instance, asked(kind))
        done[kind] = accept(desk, number, WHO, WHY, base="main", project=project)
        assert git(project, "merge", "--quiet", "--no-edit", done[kind].branch) is not None
    return done


def test_a_branch_has_all_that_its_kind_needs_and_a_person_is_asked_only_to_decide(
    accepted: dict[str, Accepted],
) -> None:
    wanted = {
        "new_table": ["expectations/shop_ratings.yml", "sources/nightly_files.yml"],
        "columns": ["expectations/returns.yml", "models/staging/stg_returns.sql"],
        "attribute": [
            "models/marts/single_customer_view.sql",
            "models/marts/single_customer_view.yml",
        ],
        "activity": ["models/intermediate/int_long_visits_by_customer_day.sql"],
        "purchases": [STAGED, "models/staging/stg_transactions_unit_tests.yml"],
    }
    for kind, names in wanted.items():
        assert set(names) <= set(accepted[kind].files), kind
    assert [kind for kind in KINDS if accepted[kind].to_do] == ["purchases"]


def test_the_folder_that_somebody_works_in_is_not_touched(
    project: Path, accepted: dict[str, Accepted]
) -> None:
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "worktree", "list", "--porcelain").count("worktree ") == 1  # type: ignore[union-attr]
    assert git(project, "branch", "--show-current") == "main"


def test_each_stands_in_the_project_as_accepted_with_the_columns_that_it_brings(
    project: Path, accepted: dict[str, Accepted]
) -> None:
    found = {
        each.title: each for each in Desk(project / "none", project / "docs/requests").documents()
    }
    for kind in KINDS:
        document = found[asked(kind)["title"]]
        request, wrong = read(document.content)
        assert request is not None, wrong
        assert document.path.name == request.file_name
        assert (document.status, request.history[-1].who) == ("accepted", WHO)
    expects = found[asked("attribute")["title"]].content["expects"]
    assert expects["columns"]["new"][0] == "largest_return_90d"


def test_the_contracts_are_read_and_every_check_of_theirs_is_known(
    project: Path, accepted: dict[str, Accepted]
) -> None:
    contracts = read_contracts(project / "expectations")

    assert {"taken_back_at", "minutes_waited"} <= set(contracts["returns"].names)
    table = contracts["shop_ratings"]
    assert (table.if_missing, table.decided_by, table.grain) == (
        "use_last_good",
        "Head of Shops",
        "rating_id",
    )
    assert len(suite_of(table).expectations) == 8


def run(project: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the checkout, with its own code."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project)} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_house_rules_hold(project: Path, accepted: dict[str, Accepted]) -> None:
    done = run(
        project,
        "-m",
        "pytest",
        "-q",
        "-n0",
        "tests/test_house_rules.py",
        "-k",
        "not heavy and not gate",
    )

    assert done.returncode == 0, done.stdout[-3000:]


def test_its_sql_is_laid_out_as_the_house_does(
    project: Path, accepted: dict[str, Accepted]
) -> None:
    names = [name for each in accepted.values() for name in each.files if name.endswith(".sql")]

    done = run(project, "-m", "sqlfluff", "lint", *sorted(set(names)))

    assert done.returncode == 0, done.stdout


def test_the_examples_are_tests_that_pass_and_fail_when_the_code_is_another(
    project: Path, accepted: dict[str, Accepted], instance: Instance, tmp_path: Path
) -> None:
    build = tmp_path / "dev.duckdb"
    build.write_bytes(instance.live.read_bytes())
    _know_the_raw_tables(project, build)
    new = ("stg_shop_ratings", "int_long_visits_by_customer_day", "int_long_visits_resolved")
    section = next(n for n in accepted["attribute"].files if n.startswith("models/marts/customer_"))
    names = [*new, "stg_returns", "stg_transactions", Path(section).stem]
    of_kinds = ("--resource-type", "model", "--resource-type", "unit_test", "--empty")
    paths = ("--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path))
    dbt = ["-m", "dbt.cli.main", "build", "--select", *names, *of_kinds, *paths]

    done = run(project, *dbt, SCV_BUILD=str(build))

    assert done.returncode == 0, done.stdout[-3000:]
    assert done.stdout.count("PASS") >= len(names)
    sql = project / section
    text = sql.read_text()
    sql.write_text(text.replace("item_count > 0", "item_count >= 0"))
    spoilt = run(project, *dbt, SCV_BUILD=str(build))
    sql.write_text(text)
    assert spoilt.returncode != 0
    assert "largest_return_90d_is_as" in spoilt.stdout


def _know_the_raw_tables(project: Path, build: Path) -> None:
    """Let a build have the raw tables of the checkout's contracts, as a night would pin them."""
    with duckdb.connect(str(build)) as connection:
        for name in ("shop_ratings", "returns"):
            contract = read_contracts(project / "expectations")[name]
            typed = ", ".join(f"cast(null as {c.data_type}) as {c.name}" for c in contract.columns)
            empty = f"select {typed}, cast(null as date) as batch_date where false"
            connection.execute(f"create or replace view raw.{name} as {empty}")


def test_only_what_was_handed_in_is_accepted(desk: Desk, project: Path) -> None:
    begun = desk.create(asked("attribute"), "Jordan Blake")

    with pytest.raises(RequestWrong, match="only what was handed in"):
        accept(desk, begun.id, WHO, WHY, project=project)


def test_what_is_about_consent_wants_its_privacy_approver_and_has_a_test_of_consent(
    desk: Desk, project: Path, instance: Instance
) -> None:
    content = asked(
        "attribute",
        title="Likes returning",
        about_consent=True,
        privacy_approver="Eve Lindt",
        attribute__name="is_returner",
        attribute__formula="count(*) > 1",
        attribute__only_rows="",
        attribute__data_type="boolean",
        attribute__when_nothing="unknown",
    )
    for row, expected in zip(
        content["attribute"]["examples"], ("true", "", "", "false", "unknown"), strict=True
    ):
        row["expected"] = expected
    number = handed_in(desk, instance, content)
    with pytest.raises(RequestWrong, match="Eve Lindt has to agree"):
        accept(desk, number, WHO, WHY, base="main", project=project)

    done = accept(
        desk, number, WHO, WHY, base="main", project=project, privacy_approver="Eve Lindt"
    )

    assert "tests/data/is_returner_needs_a_yes.sql" in done.files
    assert "Eve Lindt agreed" in desk.read(number).content["history"][-1]["note"]


def test_what_cannot_be_written_leaves_no_branch(
    desk: Desk, project: Path, instance: Instance
) -> None:
    number = handed_in(
        desk, instance, asked("attribute", title="Elsewhere", attribute__name="largest_of_all")
    )
    before = git(project, "branch", "--list")

    with pytest.raises(RequestWrong, match="is no section of the view"):
        accept(desk, number, WHO, WHY, section="customer nothing", base="main", project=project)

    assert git(project, "branch", "--list") == before
    assert desk.read(number).status == "submitted"


def test_what_is_built_already_is_not_written_once_more(
    desk: Desk, project: Path, instance: Instance, accepted: dict[str, Accepted]
) -> None:
    for kind, says in (("attribute", "is a column of the view"), ("new_table", "is there already")):
        number = handed_in(desk, instance, asked(kind, title=f"Again: {kind}"))
        with pytest.raises(RequestWrong, match=says):
            accept(desk, number, WHO, WHY, base="main", project=project)


def test_a_branch_is_not_written_twice(desk: Desk, project: Path, instance: Instance) -> None:
    content = asked("attribute", title="Twice", attribute__name="largest_return")
    number = handed_in(desk, instance, content)
    accept(desk, number, WHO, WHY, base="main", project=project)
    desk.say(number, "submitted", "A")

    with pytest.raises(RequestWrong, match="is there already"):
        accept(desk, number, WHO, WHY, base="main", project=project)
