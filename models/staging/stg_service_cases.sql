with

source as (

    select * from {{ source('raw', 'service_cases') }}

),

final as (

    select
        -- keys
        case_id,
        household_id as customer_id,

        -- flags
        closed_at is null as is_open,

        -- times
        cast(opened_at as date) as opened_date,
        updated_at,

        -- asked for by CR-0002
        contact_channel,
        priority,

        -- lineage
        batch_date

    from source

)

select * from final
