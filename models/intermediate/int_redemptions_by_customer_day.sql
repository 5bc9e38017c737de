{{ config(
    materialized='incremental',
    unique_key='batch_date',
    pre_hook="{{ forget_replaced('coupon_redemptions') }}",
) }}

with

coupon_redemptions as (

    select * from {{ ref('stg_coupon_redemptions') }}
    where {{ new_batches('coupon_redemptions') }}

),

final as (

    select
        -- keys
        customer_id,
        redemption_date,
        client_campaign_id,

        -- numbers
        cast(count(*) as integer) as redemption_count,

        -- lineage
        batch_date

    from coupon_redemptions
    group by customer_id, redemption_date, client_campaign_id, batch_date
    order by customer_id

)

select * from final
