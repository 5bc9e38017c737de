{#
    Of points that lapse, those that lapse first are spent first. With S(d) the points that lapse up
    to a day d, what was spent to date is taken off S(A+30) beyond what had lapsed by A already.
    Points that never lapse are spent last.
#}

with

households as (

    select customer_id from {{ ref('int_households_resolved') }}

),

accounts as (

    select * from {{ ref('int_loyalty_accounts_resolved') }}

),

bookings as (

    select * from {{ ref('int_loyalty_ledger_by_day') }}

),

loyalty_tiers as (

    select * from {{ ref('loyalty_tiers') }}

),

purchases as (

    select customer_id, net_sales_365d from {{ ref('customer_purchases') }}

),

delivered as (

    -- Zero where accounts and ledger have come and hold nothing of the customer; null where one of
    -- them never has: without accounts nobody knows whose points they are.
    select
        case
            when
                count_if(
                    was_ever_delivered and table_name in ('loyalty_accounts', 'loyalty_ledger')
                ) = 2
                then 0
        end as nothing
    from {{ ref('stg_pinned_batches') }}

),

sums as (

    select
        loyalty_id,
        sum(points_credited) as credited,
        sum(points_debited) as debited,
        sum(case when expiry_date <= {{ business_date() }} then points_credited else 0 end)
            as lapsed,
        sum(case when expiry_date <= {{ business_date() }} + 30 then points_credited else 0 end)
            as lapsing,
        sum(case when {{ within('event_date', 365) }} then points_credited else 0 end)
            as earned_365d,
        sum(case when {{ within('event_date', 365) }} then points_redeemed else 0 end)
            as redeemed_365d
    from bookings
    group by loyalty_id

),

purses as (

    select
        loyalty_id,
        credited - debited as balance,
        greatest(lapsing - greatest(debited, lapsed), 0) as expiring_30d,
        earned_365d,
        redeemed_365d
    from sums

),

ranked as (

    select
        accounts.loyalty_id,
        accounts.customer_id,
        accounts.is_open,
        accounts.enrol_date,
        accounts.tier_expiry_date,
        case when accounts.is_open then loyalty_tiers.tier_rank end as tier_rank,
        max(case when accounts.is_open then loyalty_tiers.tier_rank end) over (
            partition by accounts.customer_id
        ) as best_rank
    from accounts
    left join loyalty_tiers on accounts.loyalty_tier = loyalty_tiers.tier

),

members as (

    -- A customer may have several accounts, of records that were merged.
    select
        ranked.customer_id,
        count_if(ranked.is_open) > 0 as is_member,
        min(ranked.enrol_date) as enrol_date,
        max(ranked.tier_rank) as tier_rank,
        max(case when ranked.tier_rank = ranked.best_rank then ranked.tier_expiry_date end)
            as tier_expiry_date,
        sum(case when ranked.is_open then purses.balance else 0 end) as balance,
        sum(case when ranked.is_open then purses.expiring_30d else 0 end) as expiring_30d,
        sum(purses.earned_365d) as earned_365d,
        sum(purses.redeemed_365d) as redeemed_365d
    from ranked
    left join purses using (loyalty_id)
    group by ranked.customer_id

),

final as (

    select
        -- key
        households.customer_id,

        -- member
        coalesce(members.is_member, false) as is_loyalty_member,
        members.enrol_date as loyalty_enrol_date,
        coalesce(tiers.tier, 'none') as loyalty_tier,
        coalesce(tiers.tier_rank, 0) as loyalty_tier_rank,
        members.tier_expiry_date,

        -- points
        cast(coalesce(members.balance, delivered.nothing) as bigint) as points_balance,
        cast(coalesce(members.expiring_30d, delivered.nothing) as bigint) as points_expiring_30d,
        cast(coalesce(members.earned_365d, delivered.nothing) as bigint) as points_earned_365d,
        cast(coalesce(members.redeemed_365d, delivered.nothing) as bigint)
            as points_redeemed_365d,

        -- next tier
        case
            when next_tiers.least_net_sales > purchases.net_sales_365d
                then {{ money('next_tiers.least_net_sales - purchases.net_sales_365d') }}
            when next_tiers.least_net_sales <= purchases.net_sales_365d then {{ money('0') }}
        end as spend_to_next_tier

    from households
    inner join purchases using (customer_id)
    left join members using (customer_id)
    left join loyalty_tiers as tiers on members.tier_rank = tiers.tier_rank
    left join loyalty_tiers as next_tiers on members.tier_rank + 1 = next_tiers.tier_rank
    cross join delivered
    order by customer_id

)

select * from final
