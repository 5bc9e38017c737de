with

source as (

    select * from {{ source('raw', 'consents') }}

),

final as (

    select
        -- keys
        household_id as customer_id,
        channel,

        -- consent
        status = 'opt_in' as is_opt_in,
        coalesce(capture_source, 'unknown') as capture_source,

        -- times
        event_at,

        -- lineage
        batch_date

    from source

)

select * from final
