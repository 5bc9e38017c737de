"""From a build to the seed, the report and its page, on a shop whose truth is known."""

from __future__ import annotations

import csv
import datetime as dt
import html
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest

from flows.errors import TooLittleHistory
from flows.predictions import history, parameters
from flows.predictions.bgnbd import BgNbd
from flows.predictions.history import opened, read_history
from flows.predictions.holdout import HoldOut, hold_out
from flows.predictions.measures import calibrate, measure
from flows.predictions.parameters import fit
from flows.settings import Instance, read_instance
from tests.conftest import Answer

Scv = Callable[..., Answer]
FIRST, LAST = dt.date(2016, 1, 1), dt.date(2017, 12, 30)
TRUTH = BgNbd(0.9, 4.0, 0.7, 4.0)


def shop(path: Path, customers: int = 3000, last: dt.date = LAST) -> Path:
    """A build with the sales of customers who buy as the model says, for the models to read."""
    lots = np.random.default_rng(5)
    rates = lots.gamma(TRUTH.r, 1 / TRUTH.alpha / 7, customers)
    leaving, worth = lots.beta(TRUTH.a, TRUTH.b, customers), 60 / lots.gamma(4.0, 1, customers)
    rows = []
    for each in range(customers):
        at = float(lots.integers(0, 300))
        days = {int(at): lots.gamma(3.0, worth[each])}
        while lots.random() > leaving[each] or len(days) == 1:
            at += lots.exponential(1 / rates[each]) if rates[each] else 1e9
            if at > (LAST - FIRST).days:
                break
            days[int(at)] = lots.gamma(3.0, worth[each])
        rows += [(each, FIRST + dt.timedelta(day), round(net, 2)) for day, net in days.items()]
    columns = [list(column) for column in zip(*rows, strict=True)]
    with duckdb.connect(str(path)) as connection:
        for schema in ("raw", "intermediate", "marts"):
            connection.execute(f"create schema {schema}")
        connection.execute(f"create table raw.build as select date '{last}' as business_date")
        connection.execute(
            "create table intermediate.int_sales_resolved as select unnest($1::bigint[]) "
            "as customer_id, unnest($2::date[]) as business_date, "
            "unnest($3::decimal(18, 4)[]) as net_amount",
            columns,
        )
        connection.execute(
            "create table intermediate.int_returns_resolved "
            "(customer_id bigint, returned_date date, refund_amount decimal(18, 4))"
        )
        connection.execute(
            "create table marts.customer_purchases as select distinct customer_id "
            "from intermediate.int_sales_resolved"
        )
    return path


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build of the shop."""
    return shop(tmp_path_factory.mktemp("shop") / "2017-12-30-01.duckdb")


@pytest.fixture(scope="module")
def held(build: Path) -> HoldOut:
    """Its last half year, held out."""
    with opened(build) as connection:
        return hold_out(connection, FIRST, LAST, None)


@pytest.fixture
def instance(build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Instance]:
    """An instance on which the build of the shop is live."""
    monkeypatch.setenv("SCV_WAREHOUSE", str(tmp_path / "warehouse"))
    read_instance.cache_clear()
    found = read_instance()
    found.builds.mkdir(parents=True)
    (found.builds / build.name).hardlink_to(build)
    found.live.symlink_to(found.builds / build.name)
    yield found
    read_instance.cache_clear()


def test_a_history_is_what_was_sold_until_the_day_to_customers_of_the_view(tmp_path: Path) -> None:
    path = shop(tmp_path / "build.duckdb", customers=400)
    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from marts.customer_purchases where customer_id = 7")
        sold = connection.execute(
            "select count(distinct customer_id), count(*) - count(distinct customer_id) "
            "from intermediate.int_sales_resolved "
            "where business_date <= date '2016-12-31' and customer_id <> 7"
        ).fetchall()[0]
    with opened(path) as connection:
        found = read_history(connection, dt.date(2016, 12, 31)).purchases
    assert (found.customers, float(np.dot(found.repeats, found.weights))) == sold
    assert np.all(found.recency <= found.age)
    assert np.all(found.age <= 366 / 7)


def test_a_refund_is_no_order_and_counts_against_what_was_sold(tmp_path: Path) -> None:
    path = shop(tmp_path / "build.duckdb", customers=400)
    with opened(path) as connection:
        before = read_history(connection, LAST)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "insert into intermediate.int_returns_resolved "
            "select customer_id, max(business_date) + 1, sum(net_amount) / 2 "
            "from intermediate.int_sales_resolved group by customer_id "
            f"having max(business_date) < date '{LAST}' - 2"
        )
        back = connection.execute(
            "select sum(refund_amount)::double from intermediate.int_returns_resolved"
        ).fetchall()[0][0]
    with opened(path) as connection:
        after = read_history(connection, LAST)
    for name in ("repeats", "recency", "age", "weights"):
        assert np.array_equal(getattr(before.purchases, name), getattr(after.purchases, name))
    worth = [float((v.orders * v.mean * v.weights).sum()) for v in (before.values, after.values)]
    assert worth[0] - worth[1] == pytest.approx(back, rel=1e-3)


def test_weeks_in_place_of_days_change_little(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(build) as connection:
        exact = read_history(connection, LAST)
        monkeypatch.setattr(history, "MOST_GROUPS", 100)
        coarse = read_history(connection, LAST)
    assert len(coarse.purchases.weights) < len(exact.purchases.weights)
    assert len(coarse.values.weights) < len(exact.values.weights)
    assert coarse.customers == exact.customers
    one, other = fit(exact), fit(coarse)
    assert other.orders.r == pytest.approx(one.orders.r, rel=0.03)
    assert other.orders.alpha == pytest.approx(one.orders.alpha, rel=0.06)
    assert other.values.q == pytest.approx(one.values.q, rel=0.03)


def test_the_history_of_a_night_is_that_of_its_view(nights: dict[dt.date, Path]) -> None:
    """What is learned from is what is scored: the same order days, the same net sales."""
    day = max(nights)
    with opened(nights[day]) as connection:
        read_history(connection, day)
        different = connection.execute(
            "select count(*) from buyers full join marts.customer_purchases as purchases "
            "using (customer_id) where coalesce(order_days, 0) <> order_days_lifetime or "
            "abs(coalesce(mean_value * order_days, net_sales_lifetime) - net_sales_lifetime) > 0.01"
        ).fetchall()[0][0]
        buyers = connection.execute("select count(*) from buyers").fetchall()[0][0]
    assert different == 0
    assert buyers > 2000


def test_too_few_customers_or_weeks_are_told_so(build: Path, tmp_path: Path) -> None:
    small = shop(tmp_path / "small.duckdb", customers=60)
    with opened(small) as few, pytest.raises(TooLittleHistory, match="60 buyers"):
        read_history(few, LAST)
    with opened(build) as young, pytest.raises(TooLittleHistory, match="over 4"):
        read_history(young, FIRST + dt.timedelta(days=30))
    with opened(build) as young, pytest.raises(TooLittleHistory, match="hold 720 days out"):
        hold_out(young, FIRST, LAST, 720)


def test_the_fit_of_a_hold_out_knows_nothing_of_the_days_held_out(
    held: HoldOut, tmp_path: Path
) -> None:
    path = shop(tmp_path / "build.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "delete from intermediate.int_sales_resolved "
            f"where business_date > date '{held.cut}' and customer_id % 2 = 0"
        )
    with opened(path) as connection:
        other = hold_out(connection, FIRST, LAST, None)
    assert other.fit == held.fit
    assert other.measures != held.measures


def test_where_customers_do_as_the_model_says_it_is_calibrated_and_beats_naive_rules(
    held: HoldOut,
) -> None:
    by = {(each.target, each.method): each for each in held.measures}
    for target in ("orders", "value"):
        model = by[target, "model"]
        for naive in ("last period", "mean"):
            assert model.rmse < by[target, naive].rmse
        assert model.spearman is not None
        assert model.spearman > (by[target, "last period"].spearman or 0)
    for target, tolerance in (("orders", 0.12), ("value", 0.2)):
        top = held.calibration[target][-1]
        assert top.real == pytest.approx(top.predicted, rel=tolerance)
    for tenth in held.calibration["bought"]:
        assert tenth.real == pytest.approx(tenth.predicted, abs=0.1)
    assert held.tracking[-1].expected == pytest.approx(held.tracking[-1].real, rel=0.06)


def test_measures_of_a_prediction_that_is_known() -> None:
    real = np.arange(1.0, 101.0)
    perfect = measure("orders", "model", real, real)
    assert (perfect.mae, perfect.rmse, perfect.bias) == (0, 0, 0)
    assert perfect.spearman == pytest.approx(1)
    assert perfect.gini == pytest.approx(1)
    assert perfect.top_decile == pytest.approx(sum(range(91, 101)) / 5050)
    backwards = measure("orders", "model", real[::-1].copy(), real)
    assert backwards.spearman == pytest.approx(-1)
    assert backwards.gini is not None
    assert backwards.gini < -0.9
    same = measure("orders", "mean", np.full(100, 60.5), real)
    assert same.bias == pytest.approx(10)
    assert (same.spearman, same.top_decile, same.gini) == (None, None, None)
    assert [round(each.real, 1) for each in calibrate(real, real)] == [
        5.5 + 10 * number for number in range(10)
    ]


def test_equal_predictions_catch_no_more_than_their_share() -> None:
    """Half of the customers tie for the top; the first tenth of them is any tenth of them."""
    real = np.array([10.0, 0.0] * 50)
    tied = measure("orders", "model", np.repeat([1.0, 0.0], 50), real)
    assert tied.top_decile == pytest.approx(0.1)


def test_fit_writes_a_seed_from_which_the_same_parameters_are_read(
    instance: Instance, scv: Scv, tmp_path: Path
) -> None:
    seed = tmp_path / "prediction_parameters.csv"
    said = ("--who", "Head of Analytics", "--why", 'a test, "quoted", and more')
    answer = scv("predictions", "fit", *said, "--to", str(seed))
    assert answer.code == 0
    assert "bgnbd-gg-2017-12-30" in answer.out
    with seed.open() as file:
        rows = list(csv.DictReader(file))
    with opened(instance.live) as connection:
        found = fit(read_history(connection, LAST))
    written = {row["parameter"]: float(row["value"]) for row in rows}
    assert written == {**vars(found.orders), **vars(found.values)}
    assert {row["reason"] for row in rows} == {said[3]}
    assert set(rows[0]) == set(_header(parameters.SEED))


def test_fit_beyond_what_is_live_is_refused(instance: Instance, scv: Scv, tmp_path: Path) -> None:
    seed = tmp_path / "seed.csv"
    asked = ("--until", "2018-01-01", "--who", "me", "--why", "no", "--to", str(seed))
    answer = scv("predictions", "fit", *asked)
    assert answer.code == 2
    assert "Live is of 2017-12-30" in answer.err
    assert not seed.exists()


def test_without_anything_live_there_is_nothing_to_learn_from(instance: Instance, scv: Scv) -> None:
    instance.live.unlink()
    answer = scv("predictions", "report")
    assert answer.code == 1
    assert "Nothing is published yet" in answer.err


def test_report_writes_a_page_with_charts_and_its_numbers(
    instance: Instance, scv: Scv, tmp_path: Path
) -> None:
    answer = scv("predictions", "report", "--days", "90", "--to", str(tmp_path))
    assert answer.code == 0
    told = json.loads((tmp_path / "predictions-report.json").read_text())
    assert (told["days"], told["learned_until"]) == (90, "2017-10-01")
    page = html.unescape((instance.reports / "predictions.html").read_text())
    assert page.count("<circle") == 30
    assert page.count("<polyline") == 2
    assert "<script" not in page
    words = (tmp_path / "predictions-report.md").read_text()
    for row in (row for table in told["tables"] for row in table["rows"]):
        assert row["measure"] in page
        assert all(cell in words for cell in row["cells"])
        assert row["best"]


def test_before_the_first_report_the_page_says_so(tmp_path: Path) -> None:
    from flows.pages import write_predictions

    page = write_predictions(tmp_path, numbers=tmp_path)
    assert "scv predictions report" in page.read_text()


def test_the_committed_seed_and_report_can_be_read() -> None:
    """Whatever the figures are: all parameters, above zero, and one fit."""
    from flows.predictions.report import read_report

    with parameters.SEED.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["parameter"] for row in rows] == ["r", "alpha", "a", "b", "p", "q", "gamma"]
    assert all(float(row["value"]) > 0 for row in rows)
    assert len({row["model_version"] for row in rows}) == 1
    told = read_report()
    assert told is not None
    assert set(told["parameters"]) == {row["parameter"] for row in rows}


def _header(path: Path) -> list[str]:
    with path.open() as file:
        return next(csv.reader(file))
