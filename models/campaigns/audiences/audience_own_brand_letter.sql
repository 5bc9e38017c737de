with

customers as (

    select * from {{ ref('single_customer_view') }}

),

final as (

    select
        'own_brand_letter' as campaign_id,
        customer_id,
        'buys national brands, and on offer' as because

    from customers
    where
        top_brand_365d = 'National'
        and rfm_monetary_score >= 4
        and discount_share_365d >= 0.15

)

select * from final
