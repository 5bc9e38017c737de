with

customers as (

    select * from {{ ref('single_customer_view') }}

),

final as (

    select
        'birthday_email' as campaign_id,
        customer_id,
        'birthday today' as because

    from customers
    where
        days_to_birthday = 0

)

select * from final
