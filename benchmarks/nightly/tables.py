"""The registry: how each table that the client sends is made, one query a table.

A query gives exactly the columns of the table's contract, for deliveries from `{first}` to
`{last}`; the history is asked for from the beginning, a night for its own date.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

from benchmarks.nightly import answers, channels, people, programme, size
from flows.contracts.contract import Contract
from flows.intake.casting import identifier

BEGINNING = dt.date(1900, 1, 1)
FIRST_ACCOUNT = 9_000_000_000

TRANSACTIONS = """
    select
        basket_id,
        line.product_id as product_id,
        household_id,
        store_id,
        business_date,
        sold_at,
        line.quantity as quantity,
        line.sales_value as sales_value,
        line.retail_disc as retail_disc,
        line.coupon_disc as coupon_disc,
        line.coupon_match_disc as coupon_match_disc
    from (
        select *, unnest(lines) as line
        from {orders}
        where delivered_on between date '{first}' and date '{last}'
    )
"""

REDEMPTIONS = """
    with known as (
        select
            household_number,
            row_number() over (
                partition by household_number order by redemption_date, coupon_upc, campaign_id
            ) - 1 as number,
            coupon_upc,
            campaign_id,
            redemption_date
        from redemptions
        inner join real_households using (household_id)
    ),
    drawn as (
        select
            c as household_id,
            registered_on,
            household_number,
            redemption_count,
            unnest(range(cast(
                floor(coupon_love * {redemptions} + chance(c, 'coupons')) as bigint
            ))) as number
        from customers
        inner join real_households using (household_number)
        where redemption_count > 0
    ),
    dated as (
        select
            drawn.household_id,
            coupon_upc,
            campaign_id,
            redemption_date - cast(weeks_back(
                redemption_date,
                cast(draw(drawn.household_id * 10000 + drawn.number, 'again', 2) as integer)
            ) as integer) as redemption_date,
            registered_on
        from drawn
        inner join known
            on drawn.household_number = known.household_number
            and (drawn.number + draw(drawn.household_id, 'coupon', 1000))
            % redemption_count = known.number
    )
    select household_id, coupon_upc, campaign_id, redemption_date
    from dated
    where
        redemption_date between date '{first}' and date '{last}'
        and redemption_date >= registered_on
"""

MAILINGS = """
    with sent as (
        select
            mailings.campaign_id + 100 * back as campaign_id,
            campaign_type,
            c as household_id,
            mailed_date - cast(weeks_back(mailed_date, back) as integer) as mailed_date,
            valid_until - cast(weeks_back(mailed_date, back) as integer) as valid_until,
            registered_on
        from (
            select *, cast(draw(c, 'mailed', 2) as integer) as back
            from customers
            inner join real_households using (household_number)
        ) as known
        inner join mailings on known.household_id = mailings.household_id
        where chance(c, cast(mailings.campaign_id as varchar)) < {mailed}
    ),
    drops as (
        select
            900 + day(night) as campaign_id,
            'Type A' as campaign_type,
            c as household_id,
            night as mailed_date,
            night + 30 as valid_until,
            registered_on
        from customers
        inner join {nights} as nights
            on dayofweek(night) = 2 and chance(c, 'drop' || night) < {drop}
    )
    select campaign_id, campaign_type, household_id, mailed_date, valid_until
    from (from sent union all from drops)
    where
        mailed_date between date '{first}' and date '{last}'
        and mailed_date >= registered_on
"""

# What the hub sent before the nights that are measured; what it sends in them it reads back itself.
DISPATCHES = """
    select
        one_of(
            ['win_back_email', 'welcome_email', 'coupon_lovers_email', 'store_news_email'],
            c, 'sent' || number
        ) as campaign_id,
        date '{end}' - cast(whole(0, 29, c, 'on' || number) as integer) - number * 30
            as occurrence_date,
        c as customer_id,
        'email' as channel,
        chance(c, 'control' || number) < 0.05 as is_control
    from customers
    cross join (values (0), (1), (2)) as months (number)
    where chance(c, 'sent' || number) < 0.5 and c <= {customers} and date '{first}' < date '{end}'
"""


@dataclass(frozen=True)
class Table:
    """How one table is made: its query, and the columns that its rows are delivered in order of."""

    query: str
    order: str


TABLES = {
    "campaign_mailings": Table(MAILINGS, "mailed_date, campaign_id, household_id"),
    "consents": Table(answers.CONSENTS, "event_at, household_id, channel"),
    "coupon_redemptions": Table(REDEMPTIONS, "redemption_date, household_id, coupon_upc"),
    "dispatches": Table(DISPATCHES, "occurrence_date, campaign_id, customer_id"),
    "email_events": Table(channels.EMAILS, "event_at, event_id"),
    "household_merges": Table(answers.MERGES, "merged_at, household_id"),
    "households": Table(people.HOUSEHOLDS, "updated_at, household_id"),
    "loyalty_accounts": Table(programme.ACCOUNTS, "updated_at, loyalty_id"),
    "loyalty_ledger": Table(programme.LEDGER, "event_at, ledger_id"),
    "products": Table("from products", "product_id"),
    "returns": Table(programme.RETURNS, "returned_on, return_id"),
    "service_cases": Table(programme.CASES, "updated_at, case_id"),
    "sms_events": Table(channels.TEXTS, "event_at, event_id"),
    "transactions": Table(TRANSACTIONS, "sold_at, basket_id, product_id"),
    "web_sessions": Table(channels.SESSIONS_QUERY, "started_at, session_id"),
}

# Tables and columns, TABLE.COLUMN, that the client of this benchmark sends empty, and why.
EMPTY: dict[str, str] = (
    YAML(typ="safe", pure=True).load(Path(__file__).with_name("empty.yml").read_text()) or {}
)


def rows_of(contract: Contract, of: size.Size, first: dt.date, last: dt.date) -> str:
    """Return the SQL of a table's rows, with the columns and types of its contract."""
    if contract.table in EMPTY:
        columns = [f"cast(null as {c.data_type}) as {identifier(c.name)}" for c in contract.columns]
        return f"select {', '.join(columns)} where false"
    typed = ", ".join(
        f"cast({_value(contract.table, c.name)} as {c.data_type}) as {identifier(c.name)}"
        for c in contract.columns
    )
    return f"select {typed} from ({_query_of(contract.table, of, first, last)})"


def unmade(contracts: Mapping[str, Contract]) -> list[str]:
    """Return what the registry does not make, or makes for nobody: a sentence each."""
    made = TABLES.keys() | {name for name in EMPTY if "." not in name}
    return [
        *(f"{name} has a contract, and no generator." for name in contracts if name not in made),
        *(f"{name} has a generator, and no contract." for name in made if name not in contracts),
        *(f"{name} is delivered empty: {why}" for name, why in EMPTY.items()),
    ]


def _value(table: str, column: str) -> str:
    return "null" if f"{table}.{column}" in EMPTY else identifier(column)


def _query_of(table: str, of: size.Size, first: dt.date, last: dt.date) -> str:
    """Return the SQL of a table's rows that were delivered from `first` to `last`."""
    whole_history = (size.LAST_NIGHT - size.FIRST_DAY).days
    return TABLES[table].query.format(
        first=first,
        last=last,
        start=size.FIRST_DAY,
        end=size.HISTORY_END,
        customers=of.customers,
        nights=_nights(first, last),
        orders="orders" if first <= size.HISTORY_END else "recent_orders",
        returns="returned" if first <= size.HISTORY_END else "recent_returns",
        bookings="booked" if first <= size.HISTORY_END else "recent_bookings",
        accounts=size.ACCOUNT_CHANGES,
        cases=size.CASES * whole_history,
        final=size.LAST_NIGHT,
        first_account=FIRST_ACCOUNT,
        members=size.MEMBERS,
        changed=size.CHANGED,
        changes=size.CHANGES,
        closed=size.CLOSED,
        closings=size.CLOSINGS,
        consents=size.CONSENTS,
        drop=size.WEEKLY_DROP,
        mailed=size.MAILED,
        merged=size.MERGED,
        merges=size.MERGES,
        taken_back=size.MERGE_TAKEN_BACK,
        redemptions=size.REDEMPTIONS * whole_history,
        **people.PEOPLE,
        **channels.told(first, last),
    )


def _nights(first: dt.date, last: dt.date) -> str:
    """Return a relation with the nights from `first` to `last`, in the column `night`."""
    since, until = max(first, size.HISTORY_END + size.ONE_DAY), last + size.ONE_DAY
    return (
        "(select cast(night as date) as night from "
        f"range(timestamp '{since}', timestamp '{until}', interval 1 day) as days (night))"
    )
