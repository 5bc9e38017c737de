"""`scv source` and `scv contract draft`: look at what a client sends, and take nothing in."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from ruamel.yaml import YAML

from flows.contracts.files import read_contracts
from flows.contracts.suites import suite_of
from flows.errors import ContractWrong
from flows.intake.sources.declared import read_sources
from flows.ledger import Ledger, deliveries
from flows.settings import Instance, read_instance
from tests.conftest import Answer
from tests.intake.desk import DAY, contract_of

Scv = Callable[..., Answer]
FILES = """
kind: files
description: A shop.
tables:
  visits: {path: "{business_date}/visits.csv", format: csv}
  lines: {path: "{business_date}/lines.jsonl", format: jsonl, in_manifest: false}
  gone: {path: "{business_date}/gone.csv", format: csv}
"""
TILLS = """
kind: database
description: Its tills.
url: sqlite:///{deliveries}/tills.sqlite
tables:
  tills: {relation: tills, changed_since: updated_at}
"""
API = """
kind: database
description: What nobody has set up yet.
url: postgresql://reader:${SHOP_PASSWORD}@db.example/shop
tables:
  stock: {relation: stock}
"""


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Instance]:
    """An instance with sources of the test's own and a contract for one of their tables."""
    folder = tmp_path / "sources"
    folder.mkdir()
    for name, text in {"shop": FILES, "tills": TILLS, "stock": API}.items():
        (folder / f"{name}.yml").write_text(text)
    declared, agreed = read_sources(folder), {"visits": contract_of(VISITS)}
    monkeypatch.setattr("flows.source_check.read_sources", lambda: declared)
    monkeypatch.setattr("flows.source_check.read_contracts", lambda: agreed)
    monkeypatch.setenv("SCV_WAREHOUSE", str(tmp_path / "warehouse"))
    monkeypatch.setenv("SCV_DELIVERIES", str(tmp_path / "deliveries"))
    monkeypatch.delenv("SHOP_PASSWORD", raising=False)
    read_instance.cache_clear()
    deliver(tmp_path / "deliveries")
    yield read_instance()
    read_instance.cache_clear()


VISITS = {"visit_id": "bigint", "who": "varchar", "steps": "integer"}


def deliver(folder: Path) -> None:
    day = folder / str(DAY)
    day.mkdir(parents=True)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["visit_id", "who", "kind", "spent", "on_day", "steps"])
    for n in range(60):
        kind = ["walk", "run"][n % 2]
        writer.writerow([n, f"Secretname{n}", kind, f"{n}.25", "2017-11-22", n or ""])
    (day / "visits.csv").write_text(text.getvalue())
    (day / "lines.jsonl").write_text('{"line_id": 1, "at": "2017-11-22T10:00:00Z"}\n' * 1)
    with sqlite3.connect(folder / "tills.sqlite") as connection:
        connection.execute("create table tills (till_id integer, name text, updated_at text)")
        many = [(n, f"Secrettill{n}", "2017-11-22 10:00:00") for n in range(30)]
        connection.executemany("insert into tills values (?, ?, ?)", many)


def kept(instance: Instance) -> str:
    """Everything that is written down about a look at a source, as text."""
    found = [path for path in instance.root.rglob("*") if path.is_file()]
    logs = [path for path in found if "spill" not in path.parts]
    return "".join(path.read_bytes().decode(errors="replace") for path in logs)


def test_a_table_is_shown_and_held_against_its_contract(instance: Instance, scv: Scv) -> None:
    answer = scv("source", "check", "visits", "--date", str(DAY))
    assert answer.code == 1, "the contract refuses new columns"
    for words in ("it answers, 6 columns", "Secretname3", "has the new kind", "refuses that"):
        assert words in answer.out
    assert "Secretname" not in answer.err
    assert "Secret" not in kept(instance)
    assert not instance.landing.exists()
    assert Ledger(instance.ledger_url).rows(sa.select(deliveries)) == []


def test_a_table_as_agreed_is_all_well(
    instance: Instance, scv: Scv, monkeypatch: pytest.MonkeyPatch
) -> None:
    lenient = contract_of(VISITS, on_new_column="hold")
    monkeypatch.setattr("flows.source_check.read_contracts", lambda: {"visits": lenient})
    answer = scv("source", "check", "visits", "--date", str(DAY))
    assert answer.code == 0
    assert "lets that pass" in answer.out
    assert "rows of the sample fit their types" in answer.out


def test_rows_that_do_not_fit_are_counted_by_reason(
    instance: Instance, scv: Scv, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = contract_of(VISITS | {"who": "date"}, on_new_column="hold")
    monkeypatch.setattr("flows.source_check.read_contracts", lambda: {"visits": strict})
    answer = scv("source", "check", "visits", "--date", str(DAY))
    assert answer.code == 1
    assert "rows would be set aside: who is not a date" in answer.out


def test_a_table_without_a_contract_says_how_to_draft_one(instance: Instance, scv: Scv) -> None:
    answer = scv("source", "check", "tills", "--date", str(DAY))
    assert answer.code == 0
    assert "scv contract draft tills" in answer.out


def test_a_whole_source_is_as_good_as_its_worst_table(instance: Instance, scv: Scv) -> None:
    answer = scv("source", "check", "shop", "--date", str(DAY))
    assert answer.code == 1
    for words in ("visits for", "lines for", "gone for"):
        assert words in answer.out
    assert scv("source", "check", "tills", "--date", str(DAY)).code == 0


def test_what_is_not_there_is_told_so(instance: Instance, scv: Scv) -> None:
    answer = scv("source", "check", "nothing", "--date", str(DAY))
    assert answer.code == 2
    assert "No source in sources/ has the table nothing. There are: gone, lines" in answer.err
    answer = scv("source", "check", "stock", "--date", str(DAY))
    assert (answer.code, "SHOP_PASSWORD" in answer.err) == (2, True)
    answer = scv("source", "check", "visits")
    assert (answer.code, "Nothing has run yet" in answer.err) == (2, True)


def test_a_file_that_cannot_be_read_is_told_in_a_sentence(instance: Instance, scv: Scv) -> None:
    file = instance.deliveries / str(DAY) / "visits.csv"
    for raw in (b"visit_id,who,steps\n1,\xff\xfe,2\n", b"\x00\x01", b"[1, 2", b""):
        file.write_bytes(raw)
        answer = scv("source", "check", "visits", "--date", str(DAY))
        assert answer.code in (0, 1)
        assert "Traceback" not in answer.err + answer.out


def test_every_source_is_listed_with_its_tables_and_variables(
    instance: Instance, scv: Scv, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = scv("source", "list")
    assert answer.code == 0
    for words in ("shop", "files", "visits", "tills", "database", "SHOP_PASSWORD", "not set"):
        assert words in answer.out
    monkeypatch.setenv("SHOP_PASSWORD", "secret")
    answer = scv("source", "list")
    assert "not set" not in answer.out
    assert "secret" not in answer.out


def finish(path: Path, folder: Path) -> Any:
    """Fill in what a draft leaves to a person, and read it as a contract."""
    yaml = YAML()
    document = yaml.load(path.read_text())
    table = document["sources"][0]["tables"][0]
    told = {"owner": "shop@client.example", "because": "A test.", "decided_by": "Ada"}
    table["config"]["meta"].update(told | {"decided_on": DAY, "review_by": DAY})
    for column in table["columns"]:
        column["description"] = "A value of a test."
    folder.mkdir(exist_ok=True)
    yaml.dump(document, folder / path.name)
    return read_contracts(folder)[table["name"]]


def test_a_draft_of_a_file_once_finished_is_a_contract(
    instance: Instance, scv: Scv, tmp_path: Path
) -> None:
    to = tmp_path / "visits.yml"
    answer = scv("contract", "draft", "visits", "--date", str(DAY), "--to", str(to))
    assert (answer.code, answer.err) == (0, "")
    assert "60 rows: 6 columns, one row per visit_id" in answer.out
    assert "Secretname" not in to.read_text() + answer.out
    contract = finish(to, tmp_path / "expectations")
    types = {column.name: column.data_type for column in contract.columns}
    assert types == {
        "visit_id": "bigint",
        "who": "varchar",
        "kind": "varchar",
        "spent": "decimal(18,4)",
        "on_day": "date",
        "steps": "bigint",
    }
    assert contract.grain == "visit_id"
    assert contract.load == "delta"
    named = {(each.type, each.kwargs.get("column")) for each in contract.expectations}
    # Numbers and dates have their range; no word of the client's is written down.
    assert ("expect_column_values_to_be_between", "steps") in named
    assert not [kind for kind, _ in named if kind == "expect_column_values_to_be_in_set"]
    assert not list(instance.root.glob("spill/*"))
    assert ("expect_column_values_to_not_be_null", "steps") not in named
    assert len(suite_of(contract).expectations) == len(contract.expectations)


def test_a_draft_of_a_database_once_finished_is_a_contract(
    instance: Instance, scv: Scv, tmp_path: Path
) -> None:
    to = tmp_path / "tills.yml"
    assert scv("contract", "draft", "tills", "--date", str(DAY), "--to", str(to)).code == 0
    assert "Secrettill" not in to.read_text()
    contract = finish(to, tmp_path / "expectations")
    assert contract.grain == "till_id"
    types = [column.data_type for column in contract.columns]
    assert types == ["bigint", "varchar", "timestamp"]
    assert suite_of(contract).expectations


def test_an_unfinished_draft_is_no_contract(instance: Instance, scv: Scv, tmp_path: Path) -> None:
    folder = tmp_path / "expectations"
    folder.mkdir()
    to = folder / "visits.yml"
    scv("contract", "draft", "visits", "--date", str(DAY), "--to", str(to))
    with pytest.raises(ContractWrong, match=r"visits\.yml"):
        read_contracts(folder)


def test_a_draft_never_writes_over_a_contract(instance: Instance, scv: Scv, tmp_path: Path) -> None:
    to = tmp_path / "visits.yml"
    to.write_text("mine")
    answer = scv("contract", "draft", "visits", "--date", str(DAY), "--to", str(to))
    assert (answer.code, to.read_text()) == (1, "mine")
    assert "is there already" in answer.err


def test_a_draft_of_nothing_says_so(instance: Instance, scv: Scv, tmp_path: Path) -> None:
    to = tmp_path / "gone.yml"
    answer = scv("contract", "draft", "gone", "--date", str(DAY), "--to", str(to))
    assert answer.code == 1
    assert not to.exists()
    (instance.deliveries / str(DAY) / "gone.csv").write_text("a_id,b\n")
    answer = scv("contract", "draft", "gone", "--date", str(DAY), "--to", str(to))
    assert "Traceback" not in answer.err
