with

source as (

    select * from {{ source('pinned', 'base_contactable') }}

),

final as (

    select
        customer_id,
        contactable_email,
        contactable_sms,
        contactable_direct_mail

    from source

)

select * from final
