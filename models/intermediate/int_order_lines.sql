{{ config(materialized='incremental', unique_key='batch_date') }}

with

transactions as (

    select * from {{ ref('stg_transactions') }}
    where {{ new_batches() }}

),

final as (

    select
        -- keys
        customer_id,
        order_id,
        product_id,

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
