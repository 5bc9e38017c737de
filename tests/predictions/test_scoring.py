"""The models' SQL, as dbt compiles it, against scipy and the published example."""

from __future__ import annotations

import datetime as dt
import itertools
import os
import subprocess
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

import duckdb
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import betaln

from flows.predictions.bgnbd import BgNbd
from flows.predictions.gamma_gamma import GammaGamma
from tests.conftest import PROJECT
from tests.predictions.histories import PUBLISHED, PUBLISHED_VALUES

DAY = dt.date(2017, 11, 21)
COMPILED = {
    "intermediate.int_prediction_parameters": "intermediate/int_prediction_parameters.sql",
    "marts.expected_orders": "marts/expected_orders.sql",
    "marts.customer_scores": "marts/customer_scores.sql",
}
MODELS = [
    PUBLISHED,
    BgNbd(1.38, 1.33, 0.033, 34.5),  # a grocer: often, and hardly anybody leaves
    BgNbd(1.39, 1.32, 0.243, 402.8),
    BgNbd(0.05, 0.5, 0.1, 0.3),
    BgNbd(5.0, 20.0, 3.0, 0.5),
    BgNbd(2.0, 1.0, 12.0, 4.0),
    BgNbd(0.8, 30.0, 1.0001, 0.9),
]
GRID = [
    (repeats, age)
    for repeats, age in itertools.product((0, 1, 2, 5, 20, 100, 400), (0, 1, 7, 30, 100, 365, 1095))
    if repeats <= age
]


@dataclass(frozen=True)
class Buyer:
    """A customer: repeats, days from the first order to the last and to today, what it spent."""

    repeats: int
    recency: int
    age: int
    spent: float = 100.0
    stage: str = "active"


@dataclass(frozen=True)
class Scorer:
    """The compiled SQL of the models."""

    sql: dict[str, str]

    def score(
        self, model: BgNbd, buyers: list[Buyer], horizon: int = 365
    ) -> list[dict[str, float]]:
        """Return the row of `customer_scores` of each customer, with `if_alive` beside it."""
        with duckdb.connect() as connection:
            _decide(connection, model)
            _sell(connection, buyers)
            for name, sql in self.sql.items():
                ahead = sql.replace("cast(365 as double)", f"cast({horizon} as double)")
                connection.execute(f"create table {name} as {ahead}")
            found = connection.execute(
                "select scores.*, orders_365d_if_alive as if_alive "
                "from marts.customer_scores as scores "
                "inner join marts.customer_purchases as purchases using (customer_id) "
                "inner join marts.expected_orders as expected "
                "on expected.repeats = order_days_lifetime - 1 "
                "and expected.age_days = date '2017-11-21' - first_order_date order by customer_id"
            )
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scorer]:
    """Compile the models once, by dbt itself, for a build that has only a clock."""
    folder = tmp_path_factory.mktemp("scoring")
    build = folder / "build.duckdb"
    with duckdb.connect(str(build)) as connection:
        connection.execute("create schema raw")
        connection.execute(f"create table raw.build as select date '{DAY}' as business_date")
    names = [Path(path).stem for path in COMPILED.values()]
    places = ["--target-path", str(folder / "target"), "--log-path", str(folder)]
    done = subprocess.run(
        [str(PROJECT / ".venv/bin/dbt"), "compile", "--select", *names, *places],
        cwd=PROJECT,
        env=os.environ | {"SCV_BUILD": str(build)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    models = folder / "target" / "compiled" / "scv" / "models"
    yield Scorer({name: (models / path).read_text() for name, path in COMPILED.items()})


@pytest.mark.parametrize("model", MODELS, ids=lambda model: "-".join(map(str, astuple(model))))
def test_expected_orders_are_scipys(scorer: Scorer, model: BgNbd) -> None:
    rows = scorer.score(model, [Buyer(repeats, age, age) for repeats, age in GRID])
    repeats, age = (np.array(each, dtype=np.float64) for each in zip(*GRID, strict=True))
    expected = model.orders_if_alive(repeats, age / 7, 365 / 7)
    found = np.array([float(row["if_alive"]) for row in rows])
    assert np.max(np.abs(found / expected - 1)) < 1e-6


@pytest.mark.parametrize("model", MODELS[:4], ids=lambda model: "-".join(map(str, astuple(model))))
def test_expected_orders_are_those_of_the_model_integrated(scorer: Scorer, model: BgNbd) -> None:
    """By no series at all: the mean over what the chance to leave may be."""
    pairs = [(2, 272), (30, 200), (0, 40)]
    rows = scorer.score(model, [Buyer(repeats, age, age) for repeats, age in pairs])
    for row, (repeats, age) in zip(rows, pairs, strict=True):
        assert float(row["if_alive"]) == pytest.approx(_integrated(model, repeats, age), rel=1e-5)


def test_the_published_example_comes_out_of_the_sql(scorer: Scorer) -> None:
    two = Buyer(2, round(30.43 * 7), round(38.86 * 7))
    [row] = scorer.score(PUBLISHED, [two], horizon=39 * 7)
    assert float(row["orders_365d"]) == pytest.approx(1.226, abs=1e-3)


def test_every_score_of_many_customers_is_the_models(scorer: Scorer) -> None:
    lots = np.random.default_rng(11)
    ages = lots.integers(1, 900, 2000)
    buyers = [
        Buyer(
            int(min(x, age)), int(last * age) if x else 0, int(age), round(float(spent), 2), stage
        )
        for x, age, last, spent, stage in zip(
            lots.geometric(0.05, 2000) - 1,
            ages,
            lots.random(2000),
            lots.gamma(2, 300, 2000) - 50,
            lots.choice(["active", "at_risk", "churned"], 2000),
            strict=True,
        )
    ]
    for row, expected in zip(scorer.score(PUBLISHED, buyers), _scored(buyers), strict=True):
        for name, value in expected.items():
            assert (row[name] is None) == (value is None), (row, name)
            if value is not None:
                assert float(row[name]) == pytest.approx(value, rel=1e-6, abs=1e-4), (row, name)
        assert 0 <= row["p_alive"] <= 1


def test_the_chance_to_be_alive_falls_with_every_silent_day(scorer: Scorer) -> None:
    rows = scorer.score(PUBLISHED, [Buyer(5, 200, 200 + silent) for silent in range(0, 700, 7)])
    alive = [row["p_alive"] for row in rows]
    assert alive == sorted(alive, reverse=True)
    assert alive[0] > 0.7 > 0.1 > alive[-1]


def _integrated(model: BgNbd, repeats: int, age: int) -> float:
    weeks, shape, past = 365 / 7, model.r + repeats, model.alpha + age / 7
    a, b = model.a, model.b + repeats

    def of_root(root: float) -> float:
        # leaving = root ** (1 / a) takes away the pole of the density at zero
        leaving = root ** (1 / a)
        orders = -np.expm1(-shape * np.log1p(leaving * weeks / past)) / leaving
        return float(orders * (1 - leaving) ** (b - 1) / a / np.exp(betaln(a, b)))

    least = 1e-12**a
    return float(quad(of_root, least, 1, limit=2000)[0]) + least * shape * weeks / past / (
        a * np.exp(betaln(a, b))
    )


def _scored(buyers: list[Buyer]) -> list[dict[str, float | None]]:
    scores = []
    for each in buyers:
        x, last, age = (np.array([v]) for v in (each.repeats * 1.0, each.recency / 7, each.age / 7))
        alive = float(PUBLISHED.p_alive(x, last, age)[0])
        orders = float(PUBLISHED.orders(x, last, age, 365 / 7)[0])
        value = _value(PUBLISHED_VALUES, each)
        days = max(61 - (each.age - each.recency), 31 - each.age, 1)
        soon = float(PUBLISHED.p_order_if_alive(x, age, days / 7)[0])
        back = float(PUBLISHED.p_order_if_alive(x, age, 60 / 7)[0])
        churn = 0.0 if days > 60 else 1 - alive * soon
        scores.append(
            {
                "p_alive": alive,
                "orders_365d": orders,
                "order_value": value,
                "value_365d": orders * value,
                "p_churn_60d": None if each.stage == "churned" else churn,
                "p_reactivate_60d": alive * back if each.stage == "churned" else None,
            }
        )
    return scores


def _value(model: GammaGamma, buyer: Buyer) -> float:
    orders = np.array([buyer.repeats + 1.0])
    return float(model.expected_value(orders, buyer.spent / orders)[0])


def _decide(connection: duckdb.DuckDBPyConnection, model: BgNbd) -> None:
    for schema in ("decisions", "intermediate", "marts"):
        connection.execute(f"create schema {schema}")
    named = {**vars(model), **vars(PUBLISHED_VALUES)}
    connection.execute(
        "create table decisions.prediction_parameters "
        "(model_version varchar, parameter varchar, value double)"
    )
    connection.executemany(
        "insert into decisions.prediction_parameters values ('test', ?, ?)", list(named.items())
    )
    connection.execute(
        "create table decisions.thresholds as "
        "select 'at_risk_days' as name, 60 as value union all select 'new_customer_days', 30"
    )
    stages = PROJECT / "seeds" / "lifecycle_stages.csv"
    connection.execute(f"create table decisions.lifecycle_stages as from read_csv('{stages}')")


def _sell(connection: duckdb.DuckDBPyConnection, buyers: list[Buyer]) -> None:
    connection.execute(
        "create table buyers "
        "(customer_id bigint, repeats int, recency int, age int, spent decimal(18, 4), "
        "stage varchar)"
    )
    connection.executemany(
        "insert into buyers values (?, ?, ?, ?, ?, ?)",
        [(number, *astuple(each)) for number, each in enumerate(buyers)],
    )
    connection.execute(
        f"""
        create table marts.customer_purchases as
        select customer_id, repeats + 1 as order_days_lifetime,
            date '{DAY}' - age as first_order_date, date '{DAY}' - age + recency as last_order_date,
            spent as net_sales_lifetime, null::decimal(8, 2) as avg_days_between_orders
        from buyers;
        create table marts.customer_lifecycle as
        select customer_id, stage as lifecycle_stage from buyers;
        """
    )
