{{ config(
    materialized='incremental',
    unique_key='batch_date',
    pre_hook="{{ forget_replaced('transactions') }}",
) }}

with

transactions as (

    select * from {{ ref('stg_transactions') }}
    where {{ new_batches('transactions') }}

),

orders as (

    -- One row per basket.
    select
        customer_id,
        business_date,
        store_id,
        channel,
        order_id,
        batch_date,
        max(sold_at) as sold_at,
        sum(item_count) as item_count,
        sum(gross_amount) as gross_amount,
        sum(net_amount) as net_amount,
        sum(discount_amount) as discount_amount,
        sum(list_amount) as list_amount
    from transactions
    group by customer_id, business_date, store_id, channel, order_id, batch_date

),

final as (

    select
        -- keys
        customer_id,
        business_date,
        store_id,
        channel,

        -- numbers
        cast(count(*) as integer) as order_count,
        cast(sum(item_count) as bigint) as item_count,
        {{ money('sum(gross_amount)') }} as gross_amount,
        {{ money('sum(net_amount)') }} as net_amount,
        {{ money('sum(discount_amount)') }} as discount_amount,
        {{ money('sum(list_amount)') }} as list_amount,
        {{ money('max(net_amount)') }} as max_order_net_amount,
        {{ money('max_by(net_amount, order_rank)') }} as last_order_net_amount,
        max_by(order_id, order_rank) as last_order_id,

        -- times
        max(sold_at) as last_sold_at,

        -- lineage
        batch_date

    from (
        select
            *,
            row_number() over (
                partition by customer_id, business_date, store_id, channel, batch_date
                order by sold_at, order_id
            ) as order_rank
        from orders
    ) as ranked
    group by customer_id, business_date, store_id, channel, batch_date
    order by customer_id, business_date

)

select * from final
