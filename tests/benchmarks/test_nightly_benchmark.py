"""The benchmark of the nights runs: the client it makes is taken in, built, published, sent to."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from benchmarks.nightly.generate import generate
from benchmarks.nightly.measure import from_json
from benchmarks.nightly.place import Place
from benchmarks.nightly.size import HISTORY_END, Size, nights
from benchmarks.nightly.tables import unmade
from demo.source import data_folder
from flows.builds import live
from flows.contracts.files import read_contracts
from flows.ledger import Ledger, deliveries
from tests.conftest import PROJECT

CUSTOMERS = 2000
(NIGHT,) = nights(1)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the benchmark has run one night of a small client."""
    folder = tmp_path_factory.mktemp("measured")
    asked = ["--customers", str(CUSTOMERS), "--nights", "1", "--date", "2017-11-21"]
    where = ["--folder", str(folder), "--out", str(folder)]
    command = [sys.executable, "-m", "benchmarks.nightly", *asked, *where]
    done = subprocess.run(
        [*command, "--results", str(folder / "results.json")],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def place(measured: Path) -> Place:
    return Place(measured / str(CUSTOMERS))


@pytest.fixture(scope="module")
def made_again(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The same client, made a second time."""
    again = Place(tmp_path_factory.mktemp("again"))
    generate(again.instance, Size(CUSTOMERS), [NIGHT], again.spill)
    return again


def test_every_contract_has_a_generator_or_is_empty_for_a_reason() -> None:
    said = unmade(read_contracts())
    assert [each for each in said if "delivered empty" not in each] == []


def test_a_contract_without_a_generator_is_told_of() -> None:
    contracts = read_contracts()
    another = contracts["products"].model_copy(update={"table": "stores"})
    told = [each for each in unmade(contracts | {"stores": another}) if "empty" not in each]
    assert told == ["stores has a contract, and no generator."]


def test_the_night_is_published_and_its_campaigns_go_out(place: Place) -> None:
    assert (live.current(place.instance) or "").startswith(str(NIGHT))
    files = list(place.instance.outbox.glob(f"*/*__{NIGHT}.csv"))
    assert len(files) >= 3
    with duckdb.connect(str(place.instance.live), read_only=True) as build:
        query = "select count(*), count_if(orders_lifetime > 0) from marts.single_customer_view"
        customers, buyers = build.execute(query).fetchall()[0]
    assert CUSTOMERS * 0.7 < buyers < customers <= CUSTOMERS + 1


def test_every_row_of_the_delivery_is_accepted_or_set_aside(place: Place) -> None:
    told = json.loads((place.instance.deliveries / str(NIGHT) / "manifest.json").read_text())
    sent = {each["table"]: each["rows"] for each in told["tables"]}
    query = sa.select(deliveries).where(deliveries.c.business_date == NIGHT)
    rows = {row["table_name"]: row for row in Ledger(place.instance.ledger_url).rows(query)}
    assert {name: rows[name]["rows_delivered"] for name in sent} == sent
    assert sent["transactions"] > 20
    for row in rows.values():
        assert row["state"] == "arrived"
        assert row["rows_delivered"] == row["rows_accepted"] + row["rows_quarantined"]


def test_the_same_client_delivers_the_same_bytes(place: Place, made_again: Place) -> None:
    first, second = _bytes(place), _bytes(made_again)
    assert len(second) > 10
    assert {name: first.get(name) for name in second} == second


def _bytes(place: Place) -> dict[str, str]:
    folder = place.instance.deliveries
    files = [path for path in folder.rglob("*.*") if path.is_file()]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_the_same_client_has_the_same_history(place: Place, made_again: Place) -> None:
    first, second = _rows(place), _rows(made_again)
    assert first.keys() == read_contracts().keys()
    assert first == second


def _rows(place: Place) -> dict[str, tuple[int, str]]:
    """Return how many rows the history of each table has, and a hash of them in any order."""
    found = {}
    for path in place.instance.batches.glob(f"*/batch_date={HISTORY_END}/v1.parquet"):
        query = f"select count(*), cast(sum(hash(rows)) as varchar) from '{path}' as rows"
        found[path.parts[-3]] = duckdb.sql(query).fetchall()[0]
    return found


def test_customers_buy_as_unequally_as_the_real_households(made_again: Place) -> None:
    batch = made_again.instance.batches / "transactions" / f"batch_date={HISTORY_END}/v1.parquet"
    real = _share_of_the_best_tenth(data_folder() / "transactions.parquet")
    assert 0.3 < real < 0.36
    assert _share_of_the_best_tenth(batch) == pytest.approx(real, abs=0.03)


def _share_of_the_best_tenth(path: Path) -> float:
    query = f"""
        select sum(case when tenth = 1 then lines end) / sum(lines) from (
            select lines, ntile(10) over (order by lines desc) as tenth
            from (select count(*) as lines from '{path}' group by household_id)
        )
    """
    return float(duckdb.sql(query).fetchall()[0][0])


@pytest.fixture
def side_by_side(place: Place) -> Iterator[duckdb.DuckDBPyConnection]:
    """The floor's sections as `floor`, and the view's build as `view`."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{place.floor}' as floor (read_only)")
        connection.execute(f"attach '{place.instance.live.resolve()}' as view (read_only)")
        yield connection


@pytest.mark.parametrize(
    ("section", "mart", "columns"),
    [
        (
            "purchases",
            "customer_purchases",
            "first_order_date second_order_date previous_order_date orders_lifetime "
            "net_sales_lifetime orders_7d net_sales_90d net_sales_365d items_365d",
        ),
        ("stores", "customer_stores", "stores_visited_365d"),
        ("affinity", "customer_affinity", "top_department_365d top_brand_365d"),
        (
            "engagement",
            "customer_engagement",
            "last_contact_date campaigns_received_30d coupons_redeemed_90d",
        ),
        ("lifecycle", "customer_lifecycle", "rfm_recency_score rfm_monetary_score lifecycle_stage"),
    ],
)
def test_the_floor_does_the_same_work(
    side_by_side: duckdb.DuckDBPyConnection, section: str, mart: str, columns: str
) -> None:
    for column in columns.split():
        query = f"""
            select count(*), count_if(ours.{column} is distinct from theirs.{column})
            from view.marts.{mart} as ours
            full join floor.{section} as theirs using (customer_id)
        """
        customers, different = side_by_side.execute(query).fetchall()[0]
        assert (customers > 1500, different) == (True, 0), column


def test_the_page_has_the_night_its_steps_and_a_chart(measured: Path) -> None:
    page = (measured / "RESULTS.md").read_text()
    assert f"| {CUSTOMERS:,} | {NIGHT} |" in page
    # Which models are the dearest depends on what else the machine does.
    assert " (model) |" in page
    drawn = ET.parse(measured / "nights.svg").getroot()
    assert len(drawn.findall("{http://www.w3.org/2000/svg}rect")) > 10


def test_every_step_has_its_seconds(measured: Path) -> None:
    (night,) = from_json((measured / "results.json").read_text())
    assert 0.1 < night.peak < 20
    assert night.written > 0
    for kind in ("intake", "build", "model", "test", "send", "after", "floor"):
        assert night.of(kind)[0] > 0, kind
    within = sum(night.of(kind)[0] for kind in ("intake", "build", "send", "after", "start"))
    assert within == pytest.approx(night.wall, rel=0.02)
