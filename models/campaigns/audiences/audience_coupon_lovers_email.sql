with

customers as (

    select * from {{ ref('single_customer_view') }}

),

final as (

    select
        'coupon_lovers_email' as campaign_id,
        customer_id,
        cast(coupons_redeemed_lifetime as varchar) || ' coupons redeemed' as because

    from customers
    where
        coupons_redeemed_lifetime >= 2
        and lifecycle_stage in ('active', 'at_risk')

)

select * from final
