"""Returns, the loyalty programme and the service desk, in SQL: the rules of the demo, any number.

What follows from an order (its returns, the points that it earns, and those that lapse a year
later) is drawn from the order's number, wherever in time it falls.
"""

from __future__ import annotations

# Views over all orders there are: `{...}` as in the registry.
FOLLOWING = """
    create view returned as
    select
        cast(basket_id as varchar) || '-' || line.product_id as return_id,
        basket_id,
        line.product_id as product_id,
        household_id,
        store_id,
        business_date as sold_on,
        business_date + cast(whole(1, 60, basket_id, 'back_on') as integer) as returned_on,
        whole(1, line.quantity, basket_id, 'units') as quantity,
        cast(floor(line.sales_value * 100 * quantity / line.quantity) / 100 as decimal(12, 2))
            as refund_amount,
        one_of(
            ['changed_mind', 'damaged', 'spoiled', 'wrong_item', 'no_receipt'], basket_id, 'why'
        ) as reason
    from (select * exclude (lines), unnest(lines) as line from orders)
    where
        line.sales_value > 0.5
        and line.quantity between 1 and 20
        and chance(basket_id, 'returned' || line.product_id) < {returned};

    create view booked as
    with earned as (
        select
            basket_id,
            household_id,
            business_date,
            delivered_on,
            -- A till that closes after midnight in UTC still books on its own day.
            least(sold_at, cast(business_date as timestamp) + to_seconds(86399)) as event_at,
            cast(floor(list_sum(list_transform(lines, line -> line.sales_value))) as bigint)
                as points
        from orders
        where chance(household_id, 'loyalty') < {members}
    )
    select
        basket_id * 4 as ledger_id,
        household_id,
        event_at,
        'earn' as type,
        points,
        basket_id,
        business_date + 365 as expires_on,
        delivered_on
    from earned
    union all
    select
        basket_id * 4 + 1, household_id, event_at, 'earn', 50, basket_id, business_date + 365,
        delivered_on
    from earned
    where chance(basket_id, 'bonus') < 0.6
    union all
    select
        basket_id * 4 + 2, household_id, event_at, 'redeem', -100, basket_id, null, delivered_on
    from earned
    where chance(basket_id, 'redeem') < 0.15
    union all
    select
        basket_id * 4 + 3, household_id, moment(business_date + 366, basket_id, 'lapse'), 'expire',
        -points, null, null, business_date + 366
    from earned;
"""

RETURNS = """
    select * from {returns} where returned_on between date '{first}' and date '{last}'
"""

LEDGER = """
    select *, {first_account} + household_id as loyalty_id
    from {bookings}
    where delivered_on between date '{first}' and date '{last}'
"""

ACCOUNTS = """
    with members as (
        select *
        from customers
        where registered_on <= date '{last}' and chance(c, 'loyalty') < {members}
    ),
    versions as (
        select c, registered_on, registered_on as since, 0 as version, false as is_closed
        from members
        where registered_on >= date '{first}'
        union all
        select *
        from (
            select
                c,
                registered_on,
                day_between(
                    greatest(registered_on + 1, date '{start}'), date '{end}', c, 'raised_on'
                ) as since,
                1,
                chance(c, 'account:closed') < 0.05
            from members
            where chance(c, 'raised') < 0.6 and registered_on < date '{end}'
        )
        where since between date '{first}' and date '{last}'
        union all
        select c, registered_on, night, cast(day(night) as integer), false
        from members
        inner join {nights} as nights on chance(c, 'account' || night) < {accounts}
        where registered_on < night and chance(c, 'account:closed') >= 0.05
    )
    select
        {first_account} + c as loyalty_id,
        c as household_id,
        moment(registered_on, c, 'enrolled_at') as enrolled_at,
        one_of(['bronze', 'bronze', 'bronze', 'silver', 'silver', 'gold'], c, 'tier' || version)
            as tier,
        since as tier_start,
        since + 365 as tier_expiry,
        case when is_closed then 'closed' else 'open' end as status,
        moment(since, c, 'account_at' || version) as updated_at
    from versions
"""

CASES = """
    with drawn as (
        select
            c,
            registered_on,
            unnest(range(cast(floor({cases} + chance(c, 'cases')) as bigint))) as number
        from customers
    ),
    opened as (
        select
            c * 10 + number as case_id,
            c as household_id,
            day_between(date '{start}', date '{final}', c * 10 + number, 'opened') as opened_on,
            case
                when chance(case_id, 'slow') < 0.05 then whole(40, 200, case_id, 'takes')
                else whole(0, 14, case_id, 'takes')
            end as takes,
            -- Closed after it was opened, if on the same day.
            cast(opened_on as timestamp) + to_seconds(whole(43200, 60000, case_id, 'o'))
                as opened_at,
            cast(opened_on as timestamp) + to_days(cast(takes as integer))
            + to_seconds(whole(60001, 86399, case_id, 'c')) as closed_at,
            one_of(
                ['delivery', 'price', 'product', 'store', 'points', 'account', 'privacy'],
                case_id, 'topic'
            ) as topic,
            case when chance(case_id, 'rated') < 0.45 then whole(1, 5, case_id, 'csat') end as csat
        from drawn
        where registered_on <= opened_on
    ),
    versions as (
        select * exclude (closed_at, csat), null as closed_at, null as csat, 'open' as status,
            opened_at as updated_at
        from opened
        union all by name
        select *, 'closed' as status, closed_at as updated_at from opened
    )
    select * from versions
    where updated_at >= date '{first}' and updated_at < date '{last}' + 1
"""
