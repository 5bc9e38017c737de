"""What customers are drawn from: real baskets, mailings and coupons, and lists of words.

Everything about a customer is drawn by a hash of its number and a salt, as in the demo, but by
DuckDB's hash and in SQL: millions are made in seconds, and none is kept in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from benchmarks.nightly.programme import FOLLOWING
from benchmarks.nightly.size import (
    FIRST_DAY,
    HISTORY_END,
    LAST_NIGHT,
    LATE,
    MEMBERS,
    ORDERS,
    RETURNED,
    Size,
)
from demo import words
from demo.contact import DOMAINS
from demo.source import data_folder, open_source

# Lines of one visit. The real households fill a cart of nine lines; the visits of a retailer of
# this size have 2.6 lines, so a real basket is cut into visits of at most three.
VISIT_LINES = 3

MACROS = """
    -- Hashed again: DuckDB joins the hashes of two values by an exclusive or, and the same
    -- customers would be lucky under every salt.
    create macro chance(c, salt) as cast(hash(hash(c, salt)) as double) / 18446744073709551616.0;
    create macro draw(c, salt, options) as cast(hash(hash(c, salt)) % options as bigint);
    create macro whole(low, high, c, salt) as
        low + cast(floor(chance(c, salt) * (high - low + 1)) as bigint);
    create macro day_between(first, last, c, salt) as
        first + cast(whole(0, last - first, c, salt) as integer);
    -- Noon to midnight in UTC is shop hours in New York: both have the same date.
    create macro moment(day, c, salt) as
        cast(day as timestamp) + to_seconds(whole(43200, 86399, c, salt));
    create macro one_of(options, c, salt) as options[whole(1, len(options), c, salt)];
    create macro letters(name) as regexp_replace(lower(strip_accents(name)), '[^a-z]', '', 'g');
    -- A real date of 2017, moved by whole weeks into the two years that are told.
    create macro weeks_back(day, again) as
        case when day <= date '{last_night}' then again else again + 1 end * 364;
"""

HOUSEHOLDS = """
    create table visits as
    with lines as (
        select
            household_id,
            basket_id,
            (row_number() over (partition by basket_id order by hash(product_id)) - 1) // {lines}
                as visit,
            store_id,
            product_id,
            quantity,
            cast(sales_value as decimal(12, 2)) as sales_value,
            cast(retail_disc as decimal(12, 2)) as retail_disc,
            cast(coupon_disc as decimal(12, 2)) as coupon_disc,
            cast(coupon_match_disc as decimal(12, 2)) as coupon_match_disc,
            transaction_timestamp as sold_at
        from sales
    ),
    visits as (
        select
            household_id,
            basket_id,
            visit,
            min(store_id) as store_id,
            min(sold_at) as sold_at,
            list(
                struct_pack(
                    product_id, quantity, sales_value, retail_disc, coupon_disc, coupon_match_disc
                ) order by product_id
            ) as lines
        from lines
        group by all
    )
    select
        row_number() over (order by household_id, basket_id, visit) - 1 as visit_number,
        household_id,
        store_id,
        shop_date(sold_at) as business_date,
        sold_at,
        lines
    from visits;

    create table real_households as
    with visited as (
        select household_id, min(visit_number) as first_visit, count(*) as visit_count
        from visits
        group by household_id
    ),
    redeemed as (
        select household_id, count(*) as redemption_count from redemptions group by household_id
    )
    select
        row_number() over (order by household_id) - 1 as household_number,
        household_id,
        first_visit,
        visit_count,
        visit_count / avg(visit_count) over () as activity,
        coalesce(redemption_count, 0) as redemption_count,
        coalesce(redemption_count, 0) / avg(coalesce(redemption_count, 0)) over () as coupon_love,
        demographics.* exclude (household_id)
    from visited
    left join redeemed using (household_id)
    left join demographics using (household_id);
"""

CUSTOMERS = """
    -- A table, though it could be counted out each time: only tables are read by all threads.
    create table customers as
    select
        c,
        draw(c, 'household', (select count(*) from real_households))
            as household_number,
        case
            when c > {customers}
                then date '{end}' + 1 + cast((c - {customers} - 1) // {newcomers} as integer)
            when chance(c, 'old') < 0.7
                then day_between(date '2008-01-01', date '{first}', c, 'registered')
            else day_between(date '{first}', date '{end}', c, 'registered')
        end as registered_on
    from range(1, {everybody} + 1) as numbers (c);
"""

ORDERS_VIEW = """
    create view orders as
    with drawn as (
        -- A sixth is drawn for days before the customer registered, and is dropped again.
        select
            customers.c,
            registered_on,
            first_visit,
            visit_count,
            unnest(range(cast(
                floor(activity * {orders} * 1.2 + chance(customers.c, 'orders')) as bigint
            ))) as number
        from customers
        inner join real_households using (household_number)
    ),
    dated as (
        select
            drawn.c * 10000 + number as basket_id,
            drawn.c as household_id,
            registered_on,
            store_id,
            cast(weeks_back(
                business_date, cast(draw(drawn.c * 10000 + number, 'year', 2) as integer)
            ) as integer) as days_back,
            business_date - days_back as business_date,
            sold_at - to_days(days_back) as sold_at,
            lines
        from drawn
        inner join visits
            on visits.visit_number
            = first_visit + draw(drawn.c * 10000 + number, 'visit', visit_count)
    )
    select
        * exclude (registered_on, days_back),
        business_date + case
            when chance(basket_id, 'late') < {late} then cast(whole(1, 2, basket_id, 'days') as int)
            else 0
        end as delivered_on
    from dated
    where business_date >= registered_on;
"""


def open_pool(size: Size, memory: str, threads: int, spill: Path) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB that can make every table of a client of this size.

    It has the real data as `visits` and `real_households`, the table `customers`, of three
    numbers each, and the view `orders`, which is never kept: it is counted out each time.
    """
    connection = open_source(data_folder())
    spill.mkdir(parents=True, exist_ok=True)
    connection.execute(f"set memory_limit = '{memory}'; set threads = {threads}")
    connection.execute(f"set temp_directory = '{spill}'")
    connection.execute(MACROS.format(last_night=LAST_NIGHT))
    connection.execute(_word_lists())
    connection.execute(HOUSEHOLDS.format(lines=VISIT_LINES))
    connection.execute(_of_size(size))
    return connection


def keep_recent(pool: duckdb.DuckDBPyConnection) -> None:
    """Keep what is delivered after the history, so that a night need not go through it all."""
    for view, recent, day in (
        ("orders", "recent_orders", "delivered_on"),
        ("returned", "recent_returns", "returned_on"),
        ("booked", "recent_bookings", "delivered_on"),
    ):
        pool.execute(
            f"create table {recent} as select * from {view} "
            f"where {day} > date '{HISTORY_END}' and {day} <= date '{LAST_NIGHT}'"
        )


def _of_size(size: Size) -> str:
    told = {
        "customers": size.customers,
        "everybody": size.everybody,
        "newcomers": size.newcomers,
        "first": FIRST_DAY,
        "end": HISTORY_END,
        "late": LATE,
        "members": MEMBERS,
        "returned": RETURNED,
        "orders": ORDERS * (LAST_NIGHT - FIRST_DAY).days,
    }
    return "".join(part.format(**told) for part in (CUSTOMERS, ORDERS_VIEW, FOLLOWING))


def _word_lists() -> str:
    lists = {
        "female_names": words.FEMALE_NAMES,
        "male_names": words.MALE_NAMES,
        "last_names": words.LAST_NAMES,
        "streets": words.STREETS,
        "area_codes": words.AREA_CODES,
        "domains": DOMAINS,
    }
    told = [f"create macro {name}() as {_list(each)};" for name, each in lists.items()]
    towns = ", ".join(
        f"{{'city': {_text(city)}, 'region': {_text(region)}, 'prefix': {_text(prefix)}}}"
        for city, region, prefix in words.TOWNS
    )
    return "\n".join([*told, f"create macro towns() as [{towns}];"])


def _list(texts: Sequence[str]) -> str:
    return f"[{', '.join(_text(text) for text in texts)}]"


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
