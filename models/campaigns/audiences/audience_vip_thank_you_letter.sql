with

customers as (

    select * from {{ ref('single_customer_view') }}

),

final as (

    select
        'vip_thank_you_letter' as campaign_id,
        customer_id,
        'among the best by sales of a year' as because

    from customers
    where
        is_vip
        and lifecycle_stage = 'active'
        and tenure_days >= 365

)

select * from final
