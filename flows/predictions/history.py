"""The history of a build, as the models want it: read only, and grouped while it is read.

An order of the models is a trading day with at least one order: who leaves a till twice on one day
has bought once. Customers with the same numbers are one row with a weight, so that a fit costs the
same for two thousand customers and for twenty million.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from flows.errors import TooLittleHistory
from flows.predictions.bgnbd import Purchases
from flows.predictions.gamma_gamma import Values
from flows.predictions.maximum import Floats

if TYPE_CHECKING:
    import duckdb

# With more groups than this, days are counted in weeks and values in steps of half a percent.
MOST_GROUPS = 200_000
FEWEST_CUSTOMERS = 100
FEWEST_WEEKS = 8

# What each customer bought and brought back, by day: net is as in the view, a refund counts on the
# day on which it is booked, and a day with nothing but refunds is no order.
DAYS = """
    create or replace temporary view days as
    select customer_id, business_date, max(is_order) = 1 as is_order, sum(net_amount) as net_amount
    from (
        select customer_id, business_date, 1 as is_order, net_amount
        from intermediate.int_sales_resolved
        union all
        select customer_id, returned_date, 0, -refund_amount
        from intermediate.int_returns_resolved
    )
    group by customer_id, business_date
"""

# One row per customer that bought up to a date: those whom the view knows, and no closed record.
BUYERS = """
    create or replace temporary table buyers as
    select
        customer_id,
        count(*) filter (is_order) as order_days,
        sum(net_amount)::double / count(*) filter (is_order) as mean_value,
        min(business_date) filter (is_order) as first_date,
        max(business_date) filter (is_order) - min(business_date) filter (is_order)
            as recency_days,
        date '{until}' - min(business_date) filter (is_order) as age_days
    from days
    where business_date <= date '{until}'
        and customer_id in (select customer_id from marts.customer_purchases)
    group by customer_id
    having count(*) filter (is_order) > 0
"""


@dataclass(frozen=True)
class History:
    """What a build knows of its buyers up to a date."""

    until: dt.date
    purchases: Purchases
    values: Values

    @property
    def customers(self) -> int:
        """Buyers, those with a single order included."""
        return round(self.purchases.customers)


@contextmanager
def opened(build: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a build to read."""
    import duckdb

    connection = duckdb.connect(str(build), read_only=True)
    try:
        yield connection
    finally:
        connection.close()


def dates_of(connection: duckdb.DuckDBPyConnection) -> tuple[dt.date, dt.date]:
    """Return the first trading day of a build and its business date.

    Raises:
        TooLittleHistory: when it has no sales.
    """
    first, last = connection.execute(
        "select (select min(business_date) from intermediate.int_sales_resolved), "
        "business_date from raw.build"
    ).fetchall()[0]
    if first is None:
        raise TooLittleHistory("No sales are in the build, so there is nothing to learn from.")
    return first, last


def read_history(connection: duckdb.DuckDBPyConnection, until: dt.date) -> History:
    """Return the history up to a date, that day included.

    Raises:
        TooLittleHistory: when there are too few buyers or weeks for any fit.
    """
    connection.execute(DAYS)
    connection.execute(BUYERS.format(until=until))
    buyers, weeks = connection.execute(
        "select count(*), coalesce(max(age_days), 0) / 7 from buyers"
    ).fetchall()[0]
    if buyers < FEWEST_CUSTOMERS or weeks < FEWEST_WEEKS:
        raise TooLittleHistory(
            f"Up to {until} there are {buyers} buyers over {weeks:.1f} weeks; a fit needs "
            f"{FEWEST_CUSTOMERS} over {FEWEST_WEEKS}. Fit when the client has traded for longer."
        )
    return History(until, _purchases(connection), _values(connection))


def _purchases(connection: duckdb.DuckDBPyConnection) -> Purchases:
    in_days = "recency_days / 7, age_days / 7"
    in_weeks = "round(recency_days / 7), round(age_days / 7)"
    repeats, recency, age, weights = _grouped(
        connection, f"order_days - 1, {in_days}", f"order_days - 1, {in_weeks}", "true", 3
    )
    return Purchases(repeats, np.minimum(recency, age), age, weights)


def _values(connection: duckdb.DuckDBPyConnection) -> Values:
    exact = "order_days, round(mean_value, 2)"
    in_steps = "order_days, exp(round(ln(mean_value) * 200) / 200)"
    above_nothing = "round(mean_value, 2) > 0"
    return Values(*_grouped(connection, exact, in_steps, above_nothing, 2))


def _grouped(
    connection: duckdb.DuckDBPyConnection, exact: str, coarse: str, which: str, columns: int
) -> Sequence[Floats]:
    """Return the columns of the exact groups, or the coarse ones, and how many each has."""
    keys = ", ".join(str(number + 1) for number in range(columns))
    query = "select {what}, count(*) from buyers where {which} group by {keys} order by {keys}"
    counted = f"select count(*) from ({query.format(what=exact, which=which, keys=keys)})"
    groups = connection.execute(counted).fetchall()[0][0]
    what = exact if groups <= MOST_GROUPS else coarse
    rows = connection.execute(query.format(what=what, which=which, keys=keys)).fetchall()
    return [np.array(column, dtype=np.float64) for column in zip(*rows, strict=True)]
