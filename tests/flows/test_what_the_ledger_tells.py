"""What a person is told of a night is what became of it, however often something was sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from flows.builds import live
from flows.contracts.files import read_contracts
from flows.errors import ContractWrong
from flows.intake.intake import Received
from flows.intake.manifest import read_manifest
from flows.intake.receive import receive
from flows.ledger import Ledger, findings, nights
from flows.settings import PROJECT, Instance
from flows.summary import read_day
from tests.conftest import NEXT, Answer
from tests.flows.receiving import intake_of

Scv = Callable[..., Answer]


def received(instance: Instance, ledger: Ledger, table: str) -> Received:
    """Take in one table of the next date, whatever the manifest says of its bytes."""
    manifest = read_manifest(instance, NEXT)
    entry = manifest.entry(table)
    assert entry is not None
    told = manifest.model_copy(update={"tables": (entry.model_copy(update={"sha256": None}),)})
    return receive(replace(intake_of(instance, ledger, table), manifest=told))


def told_state(ledger: Ledger, table: str) -> str:
    """The state that status and the pages show."""
    return next(line.state for line in read_day(ledger, NEXT).tables if line.table == table)


def test_a_bad_file_between_two_good_ones_is_not_the_state_of_the_table(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    file = delivered / "consents.jsonl"
    good = file.read_bytes()
    assert received(instance, ledger, "consents").state == "arrived"
    file.write_bytes(good.replace(b"opt_", b"???_"))
    assert received(instance, ledger, "consents").state == "invalid"
    assert told_state(ledger, "consents") == "invalid"
    file.write_bytes(good)
    assert received(instance, ledger, "consents").taken_before
    assert told_state(ledger, "consents") == "arrived"


def test_the_check_that_refused_a_delivery_is_among_the_findings(
    instance: Instance, ledger: Ledger, delivered: Path
) -> None:
    file = delivered / "consents.jsonl"
    file.write_bytes(file.read_bytes().replace(b"opt_", b"???_"))
    assert received(instance, ledger, "consents").state == "invalid"
    query = sa.select(findings.c.column_name).where(
        findings.c.outcome == "failed", findings.c.severity == "critical"
    )
    assert [row["column_name"] for row in ledger.rows(query)] == ["status"]


def test_a_refused_date_leaves_no_night_behind(
    instance: Instance, ledger: Ledger, scv: Scv, prefect_server: None
) -> None:
    before = len(ledger.rows(sa.select(nights)))
    answer = scv("run", "2017-11-20")
    assert answer.code == 1
    assert "2017-11-20 is before it" in answer.err
    assert "Tables of" not in answer.out
    assert len(ledger.rows(sa.select(nights))) == before
    assert "Tables of 2017-11-21" in scv("status").out


def test_status_says_that_live_was_rolled_back(instance: Instance, scv: Scv) -> None:
    assert scv("rollback").code == 0
    assert live.current(instance) == "2017-11-20-01"
    assert "Live was rolled back from 2017-11-21-01" in scv("status").out


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("                suite:\n", "                suit:\n", "no contract says 'suit'"),
        ("if_missing: hold", "if_misssing: hold", "no contract says 'if_misssing'"),
        ('ready_by: "05:00"', 'ready_by: "99:99"', "ready_by"),
        ("row_date: event_at", "row_date: evnt_at", "evnt_at is no column"),
        ("hold_dependent", "hold_them", "if_missing"),
        ("data_type: bigint", "data_type: bignum", "'bignum' is none of"),
    ],
)
def test_a_contract_with_a_word_that_no_contract_says_is_refused(
    tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    text = (PROJECT / "expectations" / "consents.yml").read_text()
    assert right in text
    (tmp_path / "consents.yml").write_text(text.replace(right, wrong, 1))
    with pytest.raises(ContractWrong, match=r"consents\.yml") as refused:
        read_contracts(tmp_path)
    assert said in str(refused.value)


def test_two_contracts_for_one_table_are_refused(tmp_path: Path) -> None:
    text = (PROJECT / "expectations" / "consents.yml").read_text()
    for name in ("one.yml", "two.yml"):
        (tmp_path / name).write_text(text)
    with pytest.raises(ContractWrong, match="another file"):
        read_contracts(tmp_path)


def test_a_contract_that_finds_its_customers_nowhere_is_refused(tmp_path: Path) -> None:
    text = (PROJECT / "expectations" / "loyalty_ledger.yml").read_text()
    (tmp_path / "loyalty_ledger.yml").write_text(text)
    with pytest.raises(ContractWrong, match="through loyalty_id of loyalty_accounts"):
        read_contracts(tmp_path)
