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

final as (

    select
        -- keys
        customer_id,
        order_id,
        product_id,
        store_id,
        channel,

        -- numbers
        item_count,
        net_amount,

        -- times
        business_date,
        sold_at,

        -- lineage
        batch_date

    from transactions
    order by customer_id, business_date

)

select * from final
