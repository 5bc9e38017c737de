"""A batch of a past date that is corrected, comes late or is gone reaches every incremental model.

What is made on top of a base must equal what is made from nothing with the same pins.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from flows.builds import base, fingerprints, live
from flows.builds.base import BatchFile
from flows.ledger import Ledger, builds
from flows.settings import Instance
from tests.builds.batches import ANEW, EVERYTHING, Batches, Prints

HISTORY, FIRST, SECOND, THIRD = (dt.date(2017, 11, day) for day in (18, 19, 20, 21))
INCREMENTAL = {
    *("int_order_lines", "int_sales_by_customer_store_day", "int_redemptions_by_customer_day"),
    *("int_contacts_by_customer_day", "int_consents_latest", "int_households_latest"),
    *("int_merges_latest", "int_messages_by_customer_day", "int_message_answers"),
    "int_web_sessions_by_customer_day",
}

CARRIED_ON = {
    *("int_purchase_history", "int_replenishment_by_customer"),
    *("customer_affinity", "customer_stores"),
}

# What a correction makes of a batch.
NO_ROWS = "where false"
FEWER_ROWS = "where household_id % 3 <> 0"
OTHER_SALES = "sales_value + 1 as sales_value, quantity + 1 as quantity"
OTHER_ANSWERS = "if(status = 'opt_in', 'opt_out', 'opt_in') as status"
OTHER_NAMES = "'Corrected' as last_name"
OTHER_EVENTS = "event_at + interval 7 hour as event_at"
OTHER_VISITS = "carts + 1 as carts, products_viewed + 1 as products_viewed"
EARLIER_SALES = "business_date - 2 as business_date"


@pytest.fixture
def batches(instance: Instance, ledger: Ledger) -> Batches:
    """The batches of the test's own instance."""
    return Batches(instance, ledger)


def different(one: Prints, other: Prints) -> set[str]:
    """The models that differ, by name."""
    names = [name for name in one | other if one.get(name) != other.get(name)]
    return {name.partition(".")[2] for name in names}


def test_corrected_batches_of_past_dates_give_what_a_build_from_nothing_gives(
    batches: Batches, instance: Instance
) -> None:
    before = fingerprints.take(live.path_of(instance, f"{THIRD}-01"))
    batches.correct("transactions", FIRST, OTHER_SALES)
    batches.correct("transactions", SECOND, EARLIER_SALES, FEWER_ROWS)
    batches.correct("coupon_redemptions", FIRST, rows=NO_ROWS)
    batches.correct("campaign_mailings", HISTORY, rows=FEWER_ROWS)
    batches.correct("dispatches", SECOND, rows="where customer_id % 3 <> 0")
    batches.correct("consents", SECOND, OTHER_ANSWERS)
    batches.correct("households", FIRST, OTHER_NAMES)
    batches.correct("household_merges", SECOND, rows=NO_ROWS)
    batches.correct("email_events", HISTORY, OTHER_EVENTS, FEWER_ROWS)
    batches.correct("email_events", SECOND, rows=FEWER_ROWS)
    batches.correct("sms_events", HISTORY, rows=FEWER_ROWS)
    batches.correct("web_sessions", FIRST, OTHER_VISITS)
    base_of_both = live.path_of(instance, f"{SECOND}-01")
    top, on_top = batches.build("top", THIRD, base_of_both, EVERYTHING)
    _, whole = batches.build("whole", THIRD, base_of_both, ANEW)
    assert different(on_top, whole) == set()
    # Each of the corrections has changed something: nothing is equal for being left as it was.
    assert different(on_top, before) >= INCREMENTAL
    assert purchases_that_differ_from_the_tills(top) == []


def purchases_that_differ_from_the_tills(build: Path) -> list[object]:
    """Customers whose last day or number of orders are not those of the trading days sent."""
    query = """
        with sold as (
            select
                coalesce(merged.surviving_customer_id, lines.household_id) as customer_id,
                max(lines.business_date) as last_order_date,
                count(distinct lines.basket_id)
                    filter (where lines.business_date > date '2017-11-21' - 7) as orders_7d,
                count(distinct lines.basket_id)
                    filter (where lines.business_date > date '2017-11-21' - 30) as orders_30d,
            from raw.transactions as lines
            left join intermediate.int_customers_resolved as merged
                on lines.household_id = merged.customer_id
            -- voided lines are no purchase: CR-0005
            where lines.quantity <> 0 or lines.sales_value <> 0
            group by 1
        )
        select customer_id, last_order_date, orders_7d, orders_30d from marts.customer_purchases
        where last_order_date is not null
        except
        from sold
    """
    with duckdb.connect(str(build), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_late_and_lost_batches_give_what_a_build_from_nothing_gives(
    batches: Batches, instance: Instance
) -> None:
    late = [
        *(("transactions", FIRST), ("consents", FIRST), ("households", FIRST)),
        *(("household_merges", FIRST), ("coupon_redemptions", SECOND)),
        *(("email_events", FIRST), ("sms_events", THIRD), ("web_sessions", SECOND)),
    ]
    for table, day in late:
        batches.hide(table, day)
    without, before = batches.build("without", SECOND, live.path_of(instance, f"{HISTORY}-01"))
    for table, day in late:
        batches.bring(table, day)
    # Late, and corrected since; late rows of days that were taken; a batch that is gone.
    batches.correct("consents", FIRST, OTHER_ANSWERS, FEWER_ROWS)
    batches.correct("transactions", SECOND, EARLIER_SALES, FEWER_ROWS)
    batches.hide("dispatches", SECOND)
    top, on_top = batches.build("top", THIRD, without)
    _, whole = batches.build("whole", THIRD, None)
    assert different(on_top, whole) == set()
    assert different(on_top, before) >= INCREMENTAL
    assert whole["intermediate.int_sales_of_late_days"][0] > 0
    # What a developer does in a fork of live: the same batches once more.
    assert different(batches.run(top), whole) == set()


def test_who_is_merged_parted_or_regrouped_is_made_anew_and_nobody_else(
    batches: Batches, instance: Instance, ledger: Ledger
) -> None:
    night = ledger.row(sa.select(builds).where(builds.c.build_id == f"{SECOND}-01"))
    assert night is not None
    base_of_both, code = live.path_of(instance, f"{SECOND}-01"), night["release"]
    merged = batches.path("household_merges", HISTORY)
    batches.replace(
        "household_merges",
        THIRD,
        "select * from {batch} union all by name select household_id, "
        "cast(null as bigint) as merged_into_household_id, "
        "timestamp '2017-11-21 12:00:00' as merged_at "
        f"from read_parquet('{merged}', hive_partitioning = false) "
        "where merged_into_household_id is not null",
    )
    batches.correct(
        "products", THIRD, "if(product_id % 7 = 0, 'OTHER', product_category) as product_category"
    )
    top, on_top = batches.build("top", THIRD, base_of_both, EVERYTHING, code)
    _, whole = batches.build("whole", THIRD, base_of_both, ANEW, code)
    assert different(on_top, whole) == set()
    with duckdb.connect(str(top), read_only=True) as connection:
        parted, moved, all_of_them = connection.execute(
            "select (select count(*) from raw.base_merges) - "
            "(select count(*) from intermediate.int_customers_resolved), "
            "(select count(*) from intermediate.int_customers_moved), "
            "(select count(*) from marts.customer_affinity)"
        ).fetchall()[0]
    assert 0 < parted < moved < all_of_them / 4


def test_a_night_carries_on_the_rows_of_whom_nothing_touched(instance: Instance) -> None:
    graph = json.loads(live.manifest_of(instance, f"{THIRD}-01").read_text())
    for name in CARRIED_ON:
        sql = " ".join(graph["nodes"][f"model.scv.{name}"]["compiled_code"].split())
        assert "int_customers_moved" in sql or "not in (select customer_id" in sql, name


# What the pins tell dbt


def told(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    """The changed batches: day and change."""
    query = "select strftime(batch_date, '%d'), change from raw.changed_batches"
    return {(str(row[0]), str(row[1])) for row in connection.execute(query).fetchall()}


def files(*days: tuple[dt.date, str]) -> list[BatchFile]:
    """Batches of one table, by day and hash."""
    return [BatchFile("transactions", day, sha256) for day, sha256 in days]


def test_a_build_is_told_what_its_base_was_not_made_of() -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema raw")
        base.compare_batches(connection, files((FIRST, "a"), (SECOND, "b")))
        assert told(connection) == {("19", "new"), ("20", "new")}
        base.compare_batches(connection, files((FIRST, "a"), (SECOND, "b")))
        assert told(connection) == set()
        base.compare_batches(connection, files((HISTORY, "z"), (SECOND, "c"), (THIRD, "d")))
        assert told(connection) == {
            *(("18", "new"), ("19", "gone"), ("20", "replaced"), ("21", "new")),
        }
        base.compare_batches(connection, [])
        assert told(connection) == {("18", "gone"), ("20", "gone"), ("21", "gone")}


def test_a_base_that_does_not_say_what_it_was_made_of_is_taken_for_made_of_something_else() -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema raw; create table raw.build (build_id varchar)")
        base.compare_batches(connection, files((FIRST, "a")))
        assert told(connection) == {("19", "replaced")}


def test_whom_the_base_would_write_to_is_kept_and_built_from_nothing_it_is_nobody() -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema raw; create schema marts")
        base.keep(connection)
        kept = "select customer_id, contactable_email from raw.base_contactable"
        assert connection.execute(kept).fetchall() == []
        connection.execute(
            "create table marts.customer_reachability as select * from (values "
            "(1, true, false, false), (2, false, false, true), (3, false, false, false)) "
            "as given(customer_id, contactable_email, contactable_sms, contactable_direct_mail)"
        )
        base.keep(connection)
        assert connection.execute(f"{kept} order by all").fetchall() == [(1, True), (2, False)]
