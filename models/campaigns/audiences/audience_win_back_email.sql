with

customers as (

    select * from {{ ref('single_customer_view') }}

),

final as (

    select
        'win_back_email' as campaign_id,
        customer_id,
        'last order ' || cast(days_since_last_order as varchar) || ' days ago' as because

    from customers
    where
        lifecycle_stage in ('at_risk', 'churned')
        and orders_lifetime >= 3

)

select * from final
