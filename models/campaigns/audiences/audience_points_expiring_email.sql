with

customers as (

    select * from {{ ref('single_customer_view') }}

),

final as (

    select
        'points_expiring_email' as campaign_id,
        customer_id,
        cast(points_expiring_30d as varchar) || ' points lapse within 30 days' as because

    from customers
    where points_expiring_30d >= {{ threshold('least_points_worth_a_message') }}

)

select * from final
