with

customers as (

    select * from {{ ref('single_customer_view') }}

),

final as (

    select
        'weekend_reminder_sms' as campaign_id,
        customer_id,
        'no order in seven days, ' || cast(orders_90d as varchar) || ' in ninety' as because

    from customers
    where
        lifecycle_stage = 'active'
        and orders_7d = 0
        and orders_90d >= 4

)

select * from final
