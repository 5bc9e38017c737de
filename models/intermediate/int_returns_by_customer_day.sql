{{ config(
    materialized='incremental',
    unique_key='batch_date',
    pre_hook="{{ forget_replaced('returns') }}",
) }}

with

returned as (

    select * from {{ ref('stg_returns') }}
    where {{ new_batches('returns') }}

),

final as (

    select
        -- keys
        customer_id,
        returned_date,
        order_id,

        -- numbers
        cast(sum(item_count) as bigint) as item_count,
        {{ money('sum(refund_amount)') }} as refund_amount,

        -- lineage
        batch_date

    from returned
    group by customer_id, returned_date, order_id, batch_date
    order by customer_id, returned_date

)

select * from final
