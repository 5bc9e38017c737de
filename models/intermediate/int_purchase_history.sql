{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_touched('transactions') }}",
) }}

{#
    What follows from a customer's orders alone, whatever day it is: only who bought, was merged or
    parted since the base is made anew.
#}

with

sales as (

    select * from {{ ref('int_sales_resolved') }}
    {% if carries_on('transactions') %}
    where customer_id in ({{ customers_touched() }})
    {% endif %}

),

store_days as (

    select
        *,
        -- Of two orders at the same instant the one with the higher number counts as later.
        row_number() over (
            partition by customer_id, business_date order by last_sold_at, last_order_id
        ) as visit_rank
    from sales

),

days as (

    select
        customer_id,
        business_date,
        sum(order_count) as order_count,
        sum(item_count) as item_count,
        sum(gross_amount) as gross_amount,
        max(max_order_net_amount) as max_order_net_amount,
        max_by(last_order_net_amount, visit_rank) as last_order_net_amount,
        max_by(last_order_id, visit_rank) as last_order_id,
        max_by(channel, visit_rank) as last_order_channel
    from store_days
    group by customer_id, business_date

),

in_a_row as (

    select
        *,
        sum(order_count) over (partition by customer_id order by business_date) as orders_to_date,
        lag(business_date) over (
            partition by customer_id order by business_date
        ) as previous_date,
        lead(business_date) over (
            partition by customer_id order by business_date
        ) as next_date
    from days

),

marked as (

    -- A streak begins with the first order, and with any that ended a pause: a night on which the
    -- customer was active no more.
    select
        *,
        case
            when
                previous_date is null
                or business_date - previous_date - 1 > {{ threshold('active_days') }}
                then business_date
        end as streak_start_date
    from in_a_row

),

final as (

    select
        -- key
        customer_id,

        -- firsts and lasts
        min(business_date) as first_order_date,
        min(case when orders_to_date >= 2 then business_date end) as second_order_date,
        max(business_date) as last_order_date,
        max_by(previous_date, business_date) as previous_order_date,
        max(streak_start_date) as streak_start_date,
        max_by(business_date - previous_date, streak_start_date) as streak_gap_days,
        max_by(next_date, streak_start_date) as streak_second_date,
        max_by(last_order_id, business_date) as last_order_id,
        max_by(last_order_channel, business_date) as last_order_channel,

        -- numbers
        cast(count(*) as integer) as order_days_lifetime,
        cast(sum(order_count) as integer) as orders_lifetime,
        cast(sum(item_count) as bigint) as items_sold_lifetime,
        {{ money('sum(gross_amount)') }} as gross_sales_lifetime,
        {{ money('max(max_order_net_amount)') }} as max_order_net_lifetime,
        {{ money('max_by(last_order_net_amount, business_date)') }} as last_order_gross

    from marked
    group by customer_id
    order by customer_id

)

select * from final
