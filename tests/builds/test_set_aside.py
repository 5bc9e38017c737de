"""A build tells whose rows are set aside in the deliveries that it is made of, and nothing of them.

Files are received, released and corrected as they are in a night; only the models are left out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.builds import pins
from flows.builds.set_aside import flag_days
from flows.contracts.contract import Contract
from flows.contracts.policy import decide
from flows.intake import corrections, quarantine
from tests.intake.desk import DAY, FEW, UNIQUE, contract_of
from tests.intake.shop import Shop

NAMES = {"visit_id": "bigint", "household_id": "bigint", "steps": "integer"}
GOOD = "visit_id,household_id,steps\n" + "".join(f"{n},{n},{n}\n" for n in range(1, 41))
# Of 7 two rows for one reason; of nobody a torn line and a household that is no number.
BAD = "51,7,x\n52,7,y\n53,8,500\n54, 9 ,501\n55,10\n56,somebody,x\n57,,x\n"
NO_NUMBER, TOO_MANY = "steps is not a integer", "expect_column_values_to_be_between on steps"
WHO = ("Ada", "the shop says so")
ONE_DAY = dt.timedelta(days=1)


def contract(**terms: Any) -> Contract:
    told = {"customer_column": "household_id", "suite": (UNIQUE, FEW)} | terms
    return contract_of(NAMES, **told)


def shop_in(folder: Path, **terms: Any) -> Shop:
    """A shop that sent forty good rows and seven that are not."""
    shop = Shop(folder, contract(**terms))
    shop.send(GOOD + BAD)
    assert shop.receive().state == "arrived"
    return shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """The shop with the contract of most tests."""
    return shop_in(tmp_path)


def told(
    shop: Shop, day: dt.date = DAY, records: Sequence[int] | None = None
) -> set[tuple[int, str]]:
    """Pin what the shop has sent for a build; return whose rows are set aside, and why."""
    verdict = decide(shop.contract, day, "arrived", "", day)
    chosen = pins.choose(shop.ledger, {shop.contract.table: shop.contract}, [verdict])
    build = shop.instance.root / "build.duckdb"
    pins.pin(build, pins.Clock("a build", day, "any", None), chosen, records)
    with duckdb.connect(str(build)) as connection:
        found = connection.execute("select * from raw.set_aside").fetchall()
    assert {(table, date) for table, date, *_ in found} <= {
        ("visits", DAY - each * ONE_DAY) for each in range(2)
    }
    assert len(found) == len(set(found)), "one row for what is told twice"
    return {(customer, reason) for _, _, customer, reason in found}


def test_it_is_told_whose_rows_are_set_aside_and_why(shop: Shop) -> None:
    assert told(shop) == {(7, NO_NUMBER), (8, TOO_MANY), (9, TOO_MANY)}


def test_a_released_row_is_no_longer_told(shop: Shop) -> None:
    assert corrections.release(shop.desk, TOO_MANY, *WHO) == 2
    assert told(shop) == {(7, NO_NUMBER)}


def test_a_corrected_row_is_no_longer_told(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "aside.csv"
    quarantine.export(shop.desk, path)
    header, *lines = path.read_text().splitlines(keepends=True)
    mine = [line for line in lines if ",51,7," in line or ",52,7," in line]
    assert len(mine) == 2
    path.write_text(header + "".join(mine).replace(",x,", ",1,").replace(",y,", ",2,"))
    assert corrections.correct(shop.desk, path, *WHO) == 2
    assert told(shop) == {(8, TOO_MANY), (9, TOO_MANY)}


def test_a_delivery_that_comes_again_without_the_row_takes_its_place(shop: Shop) -> None:
    shop.send(GOOD + "53,8,500\n")
    shop.receive()
    assert shop.newest["version"] == 2
    assert told(shop) == {(8, TOO_MANY)}


def test_a_delivery_is_told_of_for_as_many_days_as_was_decided(shop: Shop) -> None:
    last = DAY + (flag_days() - 1) * ONE_DAY
    assert told(shop, last) == told(shop)
    assert told(shop, last + ONE_DAY) == set()


def test_a_delivery_that_is_not_pinned_is_not_told_of(shop: Shop) -> None:
    assert told(shop, DAY - ONE_DAY) == set()


def test_of_a_delta_every_delivery_counts_and_of_a_snapshot_the_last(tmp_path: Path) -> None:
    for load, expected in (("delta", {(7, NO_NUMBER), (8, TOO_MANY)}), ("snapshot", set())):
        shop = Shop(tmp_path / load, contract(load=load))
        shop.send(GOOD + "51,7,x\n53,8,500\n", DAY - ONE_DAY)
        shop.receive(DAY - ONE_DAY)
        assert told(shop, DAY - ONE_DAY) == {(7, NO_NUMBER), (8, TOO_MANY)}
        shop.send(GOOD.replace("1,1,1\n", "1,1,2\n"))
        shop.receive()
        assert told(shop) == expected


def test_a_table_that_is_nobodys_is_not_told_of(tmp_path: Path) -> None:
    assert told(shop_in(tmp_path, customer_column=None)) == set()


def test_a_sample_is_told_of_its_own_records(shop: Shop) -> None:
    assert told(shop, records=[7, 11]) == {(7, NO_NUMBER)}


def test_a_build_that_is_pinned_anew_forgets_what_was_told_before(shop: Shop) -> None:
    assert told(shop)
    shop.send(GOOD)
    shop.receive()
    assert told(shop) == set()
