with

customers as (

    select * from {{ ref('single_customer_view') }}

),

final as (

    select
        'store_news_email' as campaign_id,
        customer_id,
        'shops at store ' || home_store_id as because

    from customers
    where
        lifecycle_stage in ('new', 'active', 'reactivated')
        and home_store_id is not null

)

select * from final
