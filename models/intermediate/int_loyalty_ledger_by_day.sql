{{ config(
    materialized='incremental',
    unique_key='batch_date',
    pre_hook="{{ forget_replaced('loyalty_ledger') }}",
) }}

with

bookings as (

    select * from {{ ref('stg_loyalty_ledger') }}
    where {{ new_batches('loyalty_ledger') }}

),

final as (

    select
        -- keys
        loyalty_id,
        event_date,
        expiry_date,

        -- numbers
        cast(sum(points_credited) as bigint) as points_credited,
        cast(sum(points_debited) as bigint) as points_debited,
        cast(sum(points_redeemed) as bigint) as points_redeemed,

        -- lineage
        batch_date

    from bookings
    group by loyalty_id, event_date, expiry_date, batch_date
    order by loyalty_id, event_date

)

select * from final
