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
        -- outside the believable ages, and below the lowest that may be here, there is no greeting
        and age_years is not null

)

select * from final
