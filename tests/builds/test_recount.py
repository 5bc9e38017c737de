"""A build that drifted from its batches is found out: the attribute and the customer are named."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pytest

from flows.builds import fork, live, recount
from flows.ledger import Ledger
from flows.settings import Instance
from tests.conftest import NIGHTS, Answer, World

BUILD = "2017-11-21-01"
SOMEBODY = "(select min(customer_id) from intermediate.int_sales_by_customer_store_day)"
DRIFTS = {
    "a number": (
        "update intermediate.int_sales_by_customer_store_day set item_count = item_count + 1 "
        f"where customer_id = {SOMEBODY} and batch_date = date '2017-11-18'",
        "item_count of int_sales_by_customer_store_day differs",
    ),
    "a row that is gone": (
        f"delete from intermediate.int_consents_latest where customer_id = {SOMEBODY}",
        "number of rows of int_consents_latest differs",
    ),
    "a row of an account": (
        "update intermediate.int_loyalty_ledger_by_day set points_credited = points_credited + 1",
        "points_credited of int_loyalty_ledger_by_day differs",
    ),
    "a row too many": (
        "insert into intermediate.int_contacts_by_customer_day "
        "from intermediate.int_contacts_by_customer_day limit 1",
        "number of rows of int_contacts_by_customer_day differs",
    ),
}


def spoilt(instance: Instance, sql: str) -> None:
    """Put a build in live's place that differs from it by what the SQL does."""
    build, spare = live.path_of(instance, BUILD), instance.builds / "spoilt.duckdb"
    fork.fork(build, spare)
    with duckdb.connect(str(spare)) as connection:
        connection.execute(sql)
    spare.replace(build)


def test_a_build_that_is_what_its_batches_say_has_not_drifted(instance: Instance, scv) -> None:
    answer: Answer = scv("recount", "--customers", "3000")
    assert answer.code == 0, answer.err
    assert "nothing has drifted" in answer.out
    assert not list(instance.builds.glob("candidate*"))


@pytest.mark.parametrize("what", DRIFTS)
def test_a_drift_is_told_with_its_attribute_and_a_customer(
    instance: Instance, ledger: Ledger, scv, what: str
) -> None:
    sql, told = DRIFTS[what]
    spoilt(instance, sql)
    answer: Answer = scv("recount", "--customers", "3000")
    said = " ".join(answer.out.split())
    assert answer.code == 1
    assert told in said
    assert "for customer " in said or "account" in what
    assert "scv run 2017-11-21 --from-nothing" in said


def test_of_a_model_without_customers_the_column_is_told(
    instance: Instance, nights: dict[dt.date, Path]
) -> None:
    sql = "update intermediate.int_products set brand = 'Other' where product_id % 9 = 0"
    spoilt(instance, sql)
    both = live.path_of(instance, BUILD), nights[NIGHTS[-1]]
    models = ["intermediate.int_products", "marts.rfm_cut_points", "marts.build_provenance"]
    found = recount.compare(*both, models, everybody=True)
    assert [each.sentence for each in found] == ["brand of int_products differs"]


def test_the_nights_of_the_world_say_that_nothing_has_drifted(world: World) -> None:
    assert world.said.count("nothing has drifted") >= 3


def test_a_date_is_built_from_nothing_and_is_the_same(
    instance: Instance, ledger: Ledger, scv, prefect_server: None
) -> None:
    before = live.current(instance)
    answer: Answer = scv("run", "2017-11-21", "--from-nothing")
    assert answer.code == 0, answer.err
    now = live.current(instance)
    assert now is not None and now != before
    with duckdb.connect() as connection:
        for name, build_id in (("one", before), ("other", now)):
            path: Path = live.path_of(instance, str(build_id))
            connection.execute(f"attach '{path}' as {name} (read_only)")
            connection.execute(
                f"create view {name}_sales as "
                f"from {name}.intermediate.int_sales_by_customer_store_day"
            )
        differ = connection.execute(
            "select count(*) from (from one_sales except all from other_sales)"
        ).fetchall()
    assert differ == [(0,)]
