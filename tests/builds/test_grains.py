"""What breaks the grain of a model is found by the tests of the night, in whichever model it is."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from flows.builds import dbt, fork, live
from flows.errors import BuildFailed
from flows.settings import Instance

BUILD = "2017-11-21-01"
ASKED = ("test", "--select", "test_name:unique_key", "test_name:every_customer_once")
# What is done to a build, and the model whose test tells of it.
BREAKS = {
    "int_sales_by_customer_store_day": (
        "insert into intermediate.{model} from intermediate.{model} "
        "where batch_date = date '2017-11-21' limit 1"
    ),
    "int_consents_latest": (
        "insert into intermediate.{model} select * replace (date '2017-11-21' as batch_date) "
        "from intermediate.{model} where batch_date < date '2017-11-21' limit 1"
    ),
    "int_purchase_history": "insert into intermediate.{model} from intermediate.{model} limit 1",
    "int_customers_merged": "insert into intermediate.{model} from intermediate.{model} limit 1",
    "customer_stores": "delete from marts.{model} where customer_id = 1",
    "customer_web": "insert into marts.{model} from marts.{model} limit 1",
    "customer_loyalty": "update marts.{model} set customer_id = 2 where customer_id = 1",
}


def failed(instance: Instance, target: Path) -> set[str]:
    """Run the tests of grains in a build, and return the models of those that failed."""
    with pytest.raises(BuildFailed, match="Live stays as it was"):
        dbt.run(instance, target, list(ASKED))
    made = instance.root / "dbt"
    nodes = json.loads((made / "manifest.json").read_text())["nodes"]
    results = json.loads((made / "run_results.json").read_text())["results"]
    assert len(results) > 30
    return {
        nodes[result["unique_id"]]["attached_node"].split(".")[-1]
        for result in results
        if result["status"] != "pass"
    }


def test_a_key_that_stands_twice_and_a_customer_who_is_lost_are_found(instance: Instance) -> None:
    target = instance.root / "broken.duckdb"
    fork.fork(live.path_of(instance, BUILD), target)
    with duckdb.connect(str(target)) as connection:
        for model, sql in BREAKS.items():
            connection.execute(sql.format(model=model))
    # A customer who is merged twice is a household twice.
    assert failed(instance, target) == {*BREAKS, "int_households_resolved"}
