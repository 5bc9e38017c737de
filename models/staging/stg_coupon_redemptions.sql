with

source as (

    select * from {{ source('raw', 'coupon_redemptions') }}

),

final as (

    select
        household_id as customer_id,
        campaign_id as client_campaign_id,
        coupon_upc,
        redemption_date,
        batch_date

    from source

)

select * from final
