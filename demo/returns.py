"""The made-up returns: which of the real lines were brought back, when, and for how much."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal

import duckdb

from demo.draw import pick, share, whole
from demo.people import YEAR_END

RETURNED = 0.03  # of all lines with a value
MOST_DAYS = 60  # from the sale to the return
MOST_UNITS = 20  # of a line that may come back: fuel, which is counted by volume, never does
PARTLY = 0.4  # of the lines of several units: some of them come back
CLOSED = date(2017, 12, 25)  # the stores
CENT = Decimal("0.01")
REASONS = ("changed_mind", "damaged", "spoiled", "wrong_item", "no_receipt")
# The draw of `demo.draw.share`, in SQL: the first 48 bits of a hash below a share of them all.
LINES = """
    select basket_id, product_id, household_id, store_id,
        shop_date(transaction_timestamp) as sold_on, quantity,
        cast(sales_value as decimal(12, 2)) as sales_value
    from sales
    where sales_value > 0
        and quantity between 1 and {most_units}
        and left(sha256(concat(basket_id, ':returned:', product_id)), 12) < '{below}'
    order by basket_id, product_id
"""


@dataclass(frozen=True)
class Return:
    """One line brought back, or some units of it; `refund_amount` in US dollars."""

    return_id: str
    basket_id: int
    product_id: int
    household_id: int
    store_id: int
    sold_on: date
    returned_on: date
    quantity: int
    refund_amount: Decimal
    reason: str


def returns(source: duckdb.DuckDBPyConnection) -> list[Return]:
    """Return all returns booked up to the end of 2017, ordered by day and number."""
    below = f"{int(RETURNED * 2**48):012x}"
    lines = source.execute(LINES.format(most_units=MOST_UNITS, below=below)).fetchall()
    found = [back for line in lines for back in _of_line(*line)]
    return sorted(found, key=lambda back: (back.returned_on, back.return_id))


def _of_line(
    basket: int,
    product: int,
    household: int,
    store: int,
    sold_on: date,
    units: int,
    value: Decimal,
) -> Iterator[Return]:
    """Yield the return of a line, unless it falls into the next year or is worth nothing."""
    salt = f"return:{product}"
    returned_on = sold_on + timedelta(days=whole(1, MOST_DAYS, basket, f"{salt}:days"))
    if returned_on == CLOSED:
        returned_on += timedelta(days=1)
    quantity = units
    if units > 1 and share(basket, f"{salt}:partly") < PARTLY:
        quantity = whole(1, units - 1, basket, f"{salt}:units")
    refund = (value * quantity / units).quantize(CENT, rounding=ROUND_DOWN)
    if returned_on <= YEAR_END and refund > 0:
        yield Return(
            f"{basket}-{product}", basket, product, household, store, sold_on, returned_on,
            quantity, refund, pick(REASONS, basket, f"{salt}:reason"),
        )  # fmt: skip
