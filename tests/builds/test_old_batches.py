"""Batches are read under the contract of today, whatever the contract was that they came under."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.builds import batch_columns, fork, pins
from flows.contracts.policy import decide
from flows.errors import ContractWrong
from tests.intake.desk import DAY, UNIQUE, contract_of
from tests.intake.shop import Shop

BEFORE = {"visit_id": "bigint", "household_id": "integer", "steps": "integer", "said": "varchar"}
AFTER = BEFORE | {"till": "varchar", "points": "bigint"}
NEXT = DAY + dt.timedelta(days=1)
CLOCK = pins.Clock("a build", NEXT, "any", None)
OLD = "visit_id,household_id,steps,said\n1,7,100,31\n2,8,,secret\n"
NEW = "visit_id,household_id,steps,said,till,points\n3,7,300,33,north,3000000000\n"
Rows = list[tuple[Any, ...]]


def promise(shop: Shop, columns: Mapping[str, str], **terms: Any) -> None:
    told = {"customer_column": "household_id", "suite": (UNIQUE,)} | terms
    shop.contract = contract_of(columns, **told)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A shop that sent a day before its contract had two columns more, and a day after."""
    shop = Shop(tmp_path, contract_of(BEFORE))
    promise(shop, BEFORE)
    shop.send(OLD)
    assert shop.receive().state == "arrived"
    promise(shop, AFTER)
    shop.send(NEW, NEXT)
    assert shop.receive(NEXT).state == "arrived"
    return shop


def pinned(shop: Shop) -> list[pins.Pinned]:
    verdict = decide(shop.contract, NEXT, "arrived", "", NEXT)
    return pins.choose(shop.ledger, {shop.contract.table: shop.contract}, [verdict])


def build_of(shop: Shop) -> Path:
    return shop.instance.root / "build.duckdb"


def seen(shop: Shop, columns: str, records: Sequence[int] | None = None) -> Rows:
    """Pin what the shop has sent; return some columns of the view, by visit."""
    pins.pin(build_of(shop), CLOCK, pinned(shop), records)
    with duckdb.connect(str(build_of(shop))) as connection:
        query = f"select {columns} from raw.visits order by visit_id"
        return connection.execute(query).fetchall()


def types(shop: Shop) -> dict[str, str]:
    with duckdb.connect(str(build_of(shop))) as connection:
        found = connection.execute("describe raw.visits").fetchall()
    return {name: kind for name, kind, *_ in found}


def sql(shop: Shop) -> str:
    query = "select sql from duckdb_views() where schema_name = 'raw'"
    with duckdb.connect(str(build_of(shop))) as connection:
        return str(connection.execute(query).fetchall()[0][0])


def test_a_column_that_a_batch_does_not_have_is_null_in_it(shop: Shop) -> None:
    expected = [(1, 100, None, None), (2, None, None, None), (3, 300, "north", 3_000_000_000)]
    assert seen(shop, "visit_id, steps, till, points") == expected
    assert seen(shop, "visit_id, batch_date") == [(1, DAY), (2, DAY), (3, NEXT)]
    assert (types(shop)["till"], types(shop)["points"]) == ("VARCHAR", "BIGINT")


def test_only_old_batches_have_the_column_as_well(shop: Shop) -> None:
    verdict = decide(shop.contract, DAY, "arrived", "", DAY)
    chosen = pins.choose(shop.ledger, {shop.contract.table: shop.contract}, [verdict])
    pins.pin(build_of(shop), CLOCK, chosen)
    with duckdb.connect(str(build_of(shop))) as connection:
        found = connection.execute("select till, points from raw.visits").fetchall()
    assert found == [(None, None)] * 2
    assert types(shop)["points"] == "BIGINT"


def test_the_sample_of_a_recount_sees_the_same(shop: Shop) -> None:
    assert seen(shop, "visit_id, till", [7]) == [(1, None), (3, "north")]


def test_a_build_under_other_contracts_is_pinned_anew(shop: Shop) -> None:
    promise(shop, BEFORE)
    assert seen(shop, "visit_id") == [(1,), (2,), (3,)]
    promise(shop, AFTER)
    assert pins.pin_anew(build_of(shop), CLOCK, pinned(shop)) == []
    with duckdb.connect(str(build_of(shop))) as connection:
        found = connection.execute("select till from raw.visits order by visit_id").fetchall()
    assert found == [(None,), (None,), ("north",)]


def test_a_column_that_the_contract_drops_is_not_read(shop: Shop) -> None:
    promise(shop, {name: kind for name, kind in BEFORE.items() if name != "steps"})
    assert seen(shop, "visit_id, said") == [(1, "31"), (2, "secret"), (3, "33")]
    assert not {"steps", "till", "points"} & set(types(shop))
    assert " union all " not in sql(shop).lower(), "what is not read does not tell batches apart"


def test_batches_that_are_alike_are_one_list(shop: Shop) -> None:
    promise(shop, BEFORE)
    seen(shop, "visit_id")
    assert sql(shop).count("read_parquet") == 1


@pytest.mark.parametrize("first", [True, False], ids=["widened", "as it was"])
def test_a_widened_column_is_cast_and_nothing_is_lost(tmp_path: Path, first: bool) -> None:
    narrow, wide = BEFORE, BEFORE | {"steps": "bigint"}
    shop = Shop(tmp_path, contract_of(BEFORE))
    promise(shop, narrow)
    shop.send(OLD)
    assert shop.receive().state == "arrived"
    promise(shop, wide)
    shop.send("visit_id,household_id,steps,said\n3,7,5000000000,33\n", NEXT)
    assert shop.receive(NEXT).state == "arrived"
    if first:
        assert seen(shop, "steps") == [(100,), (None,), (5_000_000_000,)]
    else:
        promise(shop, narrow)
        with pytest.raises(ContractWrong, match="makes integer of steps"):
            seen(shop, "steps")


@pytest.mark.parametrize("kind", ["integer", "date", "boolean", "decimal(9,2)"])
def test_values_that_are_none_of_the_type_are_the_fault_of_the_contract(
    shop: Shop, kind: str
) -> None:
    promise(shop, BEFORE | {"said": kind})
    with pytest.raises(ContractWrong) as refused:
        seen(shop, "said")
    told = str(refused.value)
    assert f"makes {kind} of said" in told and "expectations/visits.yml" in told
    assert "secret" not in told


def test_types_that_have_no_cast_are_told_too(shop: Shop) -> None:
    promise(shop, BEFORE | {"steps": "date"})
    with pytest.raises(ContractWrong, match="makes date of steps"):
        seen(shop, "steps")


def test_a_snapshot_keeps_who_is_gone(tmp_path: Path) -> None:
    shop = Shop(tmp_path, contract_of(BEFORE))
    of_snapshots = {"load": "snapshot", "max_deleted_share": 1.0}
    promise(shop, BEFORE, **of_snapshots)
    shop.send(OLD)
    assert shop.receive().state == "arrived"
    promise(shop, AFTER, **of_snapshots)
    shop.send("visit_id,household_id,steps,said,till,points\n1,7,100,31,north,\n", NEXT)
    assert shop.receive(NEXT).state == "arrived"
    found = sorted(seen(shop, "visit_id, batch_date, till, is_deleted"))
    assert found == [
        (1, DAY, None, False),
        (1, NEXT, "north", False),
        (2, DAY, None, False),
        (2, NEXT, None, True),
    ]


def test_a_batch_is_looked_into_once(shop: Shop) -> None:
    seen(shop, "visit_id")
    taken = pinned(shop)[0]
    first, later = shop.instance.root / "first.duckdb", shop.instance.root / "later.duckdb"
    pins.pin(first, CLOCK, [replace(taken, paths=taken.paths[:1])])
    fork.fork(first, later)
    # What is known of a batch is not asked of its file, which may even be gone.
    Path(taken.paths[0]).unlink()
    with duckdb.connect(str(later)) as connection:
        known = batch_columns.of(connection, taken.paths)
        assert [set(known[path]) for path in taken.paths] == [set(BEFORE), set(AFTER)]
    anew = shop.instance.root / "anew.duckdb"
    batch_columns.take_over(later, anew)
    with duckdb.connect(str(anew)) as connection:
        assert batch_columns.of(connection, taken.paths) == known
