{{ config(materialized='view') }}

with

store_days as (

    select
        *,
        -- Of two orders at the same instant the one with the higher number counts as later.
        row_number() over (
            partition by customer_id, business_date order by last_sold_at, last_order_id
        ) as visit_rank
    from {{ ref('int_sales_resolved') }}

),

days as (

    select
        customer_id,
        business_date,
        cast(sum(order_count) as integer) as order_count,
        cast(sum(item_count) as bigint) as item_count,
        {{ money('sum(gross_amount)') }} as gross_amount,
        {{ money('sum(net_amount)') }} as net_amount,
        {{ money('sum(discount_amount)') }} as discount_amount,
        {{ money('sum(list_amount)') }} as list_amount,
        max(max_order_net_amount) as max_order_net_amount,
        max_by(last_order_net_amount, visit_rank) as last_order_net_amount,
        max_by(last_order_id, visit_rank) as last_order_id,
        max_by(channel, visit_rank) as last_order_channel
    from store_days
    group by customer_id, business_date

),

final as (

    select
        -- keys
        customer_id,
        business_date,

        -- numbers
        order_count,
        cast(
            sum(order_count) over (partition by customer_id order by business_date) as integer
        ) as orders_to_date,
        item_count,
        gross_amount,
        net_amount,
        discount_amount,
        list_amount,
        max_order_net_amount,
        last_order_net_amount,
        last_order_id,
        last_order_channel,

        -- times
        lag(business_date) over (
            partition by customer_id order by business_date
        ) as previous_business_date,
        lead(business_date) over (
            partition by customer_id order by business_date
        ) as next_business_date

    from days

)

select * from final
