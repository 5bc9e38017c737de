with

customers as (

    select * from {{ ref('single_customer_view') }}

),

final as (

    select
        'welcome_email' as campaign_id,
        customer_id,
        'first order on ' || cast(first_order_date as varchar) as because

    from customers
    where
        lifecycle_stage = 'new'
        and orders_lifetime <= 5

)

select * from final
