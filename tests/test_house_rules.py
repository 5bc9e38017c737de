"""The rules of the house, read from dbt's own parse of the project and from the files."""

from __future__ import annotations

import ast
import csv
import json
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.conftest import PROJECT

ROOMS = ["staging", "intermediate", "marts", "campaigns"]
PREFIXES = {"staging": ("stg_",), "intermediate": ("int_",)}
MODELS = sorted((PROJECT / "models").rglob("*.sql"))
MODULES = sorted(
    path for room in ("flows", "demo", "benchmarks") for path in (PROJECT / room).rglob("*.py")
)
# Which rooms of flows/ a room may import from, besides itself and the shared modules.
OPENS = {
    "contracts": set(),
    "intake": {"contracts"},
    "builds": {"contracts", "intake"},
    "campaigns": {"contracts", "intake", "builds"},
    "comparison": {"contracts", "intake", "builds", "campaigns"},
    "releases": {"contracts", "intake", "builds", "campaigns", "comparison"},
    "predictions": set(),
    "desk": {"contracts", "intake", "builds", "campaigns", "comparison", "releases"},
}
# The form in a browser: all that the desk may, and the pages and the calendar of the house.
OPENS["web"] = OPENS["desk"] | {"desk", "templates", "clock", "schedules"}
SHARED = {"errors", "settings", "ledger", "distributions"}


@cache
def properties(path: Path) -> dict[str, Any]:
    """What the YAML beside a model says of it."""
    document = YAML(typ="safe", pure=True).load(path.with_suffix(".yml").read_text())
    return dict(document["models"][0])


def room(path: Path) -> str:
    """The room that a model stands in."""
    return path.relative_to(PROJECT / "models").parts[0]


def named(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", MODELS, ids=named)
def test_a_model_and_its_yaml_are_a_pair(path: Path) -> None:
    assert path.with_suffix(".yml").is_file()
    assert properties(path)["name"] == path.stem


@pytest.mark.parametrize("path", MODELS, ids=named)
def test_a_model_says_what_one_row_is(path: Path) -> None:
    assert properties(path)["description"].strip().startswith("One row per")


@pytest.mark.parametrize("path", MODELS, ids=named)
def test_every_column_is_described(path: Path) -> None:
    columns = properties(path)["columns"]
    assert columns
    assert not [column["name"] for column in columns if not column.get("description")]


@pytest.mark.parametrize("path", MODELS, ids=named)
def test_a_prefix_means_private(path: Path) -> None:
    private = path.stem.startswith(("stg_", "int_"))
    assert private == (room(path) in PREFIXES)
    if room(path) in PREFIXES:
        assert path.stem.startswith(PREFIXES[room(path)])


@pytest.mark.parametrize("path", MODELS, ids=named)
def test_rooms_open_one_way(path: Path) -> None:
    sql = path.read_text()
    if room(path) != "staging":
        assert "source(" not in sql, "only staging reads what came"
    where = {model.stem: room(model) for model in MODELS}
    for parent in re.findall(r"ref\('(\w+)'\)", sql):
        if parent in where:
            assert ROOMS.index(where[parent]) <= ROOMS.index(room(path)), parent


@pytest.mark.parametrize("path", MODELS, ids=named)
def test_no_model_asks_the_machine_what_day_it_is_or_draws_lots(path: Path) -> None:
    words = r"\b(current_date|current_timestamp|now\(\)|getdate|sysdate|today\(\)|random\(|rand\()"
    assert not re.search(words, path.read_text(), re.IGNORECASE)


@pytest.mark.parametrize("path", MODELS, ids=named)
def test_a_model_ends_in_final_with_every_column_listed(path: Path) -> None:
    sql = path.read_text()
    assert sql.rstrip().endswith("select * from final")
    final = sql[sql.rindex("final as (") :]
    assert not re.search(r"select\s+\*\s*,?\s+from (?!final)", final)


@pytest.mark.parametrize("path", MODELS, ids=named)
def test_a_line_that_a_person_wrote_fits_a_hundred_columns(path: Path) -> None:
    assert not [line for line in path.read_text().splitlines() if len(line) > 100]


def test_the_dialect_lives_in_macros() -> None:
    spoken = r"(::|\bfilter\s*\(\s*where|regexp_|list_agg|\bexclude\s*\(|strftime|epoch)"
    found = [path.name for path in MODELS if re.search(spoken, path.read_text(), re.IGNORECASE)]
    assert not found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_a_module_can_be_read_in_one_sitting(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if line.strip()]
    assert len(lines) <= 230, "over 230 lines: find the second thing that the module does"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_imports_run_one_way(path: Path) -> None:
    parts = path.relative_to(PROJECT).parts
    if parts[0] != "flows" or len(parts) < 3 or parts[1] not in OPENS:
        return
    for name in _imported(path):
        if name.startswith("flows."):
            other = name.split(".")[1]
            assert other in SHARED | OPENS[parts[1]] | {parts[1]}, f"{path}: {name}"


def test_rooms_know_nothing_of_prefect_or_typer() -> None:
    for path in MODULES:
        parts = path.relative_to(PROJECT).parts
        if parts[0] == "flows" and len(parts) > 2:
            assert not {name.split(".")[0] for name in _imported(path)} & {"prefect", "typer"}


def test_scv_status_imports_nothing_heavy() -> None:
    heavy = "{'dbt', 'great_expectations', 'prefect', 'pandas', 'duckdb', 'pyarrow'}"
    program = f"import sys, flows.cli, flows.status; sys.exit(bool({heavy} & set(sys.modules)))"
    done = subprocess.run([str(PROJECT / ".venv/bin/python"), "-c", program], cwd=PROJECT)
    assert done.returncode == 0


def test_a_column_of_the_view_that_may_name_a_person_says_whether_it_does() -> None:
    view = next(path for path in MODELS if path.stem == "single_customer_view")
    may = r"(name|mail|phone|address|birth|postal|city|card|cookie|device|_id(_|$)|_key(_|$))"
    silent = [
        column["name"]
        for column in properties(view)["columns"]
        if (re.search(may, column["name"]) and column["data_type"] == "varchar")
        or column["name"].endswith(("birth_date", "customer_id"))
        if not {"personal", "profiled"} & set(column.get("config", {}).get("meta", {}))
    ]
    assert not silent, "config: {meta: {personal: true}}, or false"


def test_every_campaign_has_an_audience_and_is_a_candidate() -> None:
    lines = (PROJECT / "seeds" / "campaigns.csv").read_text().splitlines()[1:]
    campaigns = {line.split(",")[0] for line in lines}
    audiences = {p.stem.removeprefix("audience_") for p in MODELS if p.parent.name == "audiences"}
    union = (PROJECT / "models/campaigns/campaign_candidates.sql").read_text()
    assert campaigns == audiences
    assert campaigns == set(re.findall(r"'audience_(\w+)'", union))


def test_every_eligibility_rule_is_asked_and_says_the_same_columns() -> None:
    rules = [path for path in MODELS if path.parent.name == "eligibility"]
    union = (PROJECT / "models/campaigns/campaign_exclusions.sql").read_text()
    assert {path.stem for path in rules} == set(re.findall(r"'(eligibility_\w+)'", union))
    for path in rules:
        names = [column["name"] for column in properties(path)["columns"]]
        assert names == ["campaign_id", "customer_id", "rule", "reason"]


def test_every_threshold_is_used_and_every_used_one_is_decided() -> None:
    sql = "".join(path.read_text() for path in [*MODELS, *(PROJECT / "macros").glob("*.sql")])
    used = set(re.findall(r"threshold\('(\w+)'\)", sql))
    lines = (PROJECT / "seeds" / "thresholds.csv").read_text().splitlines()[1:]
    assert used == {line.split(",")[0] for line in lines}


def test_a_schedule_is_daily_or_weekdays() -> None:
    days = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
    with (PROJECT / "seeds" / "campaigns.csv").open() as file:
        for campaign in csv.DictReader(file):
            words = campaign["schedule"].split()
            assert words == ["daily"] or (words and set(words) <= days), campaign["campaign_id"]


def test_the_readme_and_the_docs_name_only_what_is_there() -> None:
    missing = []
    for page in [
        PROJECT / "README.md",
        PROJECT / "CONTRIBUTING.md",
        *(PROJECT / "docs").rglob("*.md"),
    ]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            made = target.endswith(".html") or target.startswith("#")
            if not made and not (page.parent / target).exists():
                missing.append(f"{page.name}: {target}")
    assert not missing


def test_no_file_names_a_registry_or_a_secret() -> None:
    told = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True)
    secret = re.compile("BEGIN (RSA|OPENSSH|EC) PRIVATE" + " KEY|py" + r"pi\.org|python" + "hosted")
    for name in told.stdout.split():
        path = PROJECT / name
        if path.is_file() and path.suffix not in (".png", ".lock"):
            assert not secret.search(path.read_text(errors="replace")), name


def test_the_deprecation_gate_of_dbt_passes_on_the_snowflake_target(tmp_path: Path) -> None:
    arguments = [
        "parse",
        "--no-partial-parse",
        "--target",
        "snowflake",
        "--target-path",
        str(tmp_path),
    ]
    gate = ["--warn-error-options", json.dumps({"error": ["Deprecations"]})]
    done = subprocess.run(
        [str(PROJECT / ".venv/bin/dbt"), *arguments, *gate, "--log-path", str(tmp_path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names
