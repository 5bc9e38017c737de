with

source as (

    select * from {{ source('raw', 'sms_events') }}

),

final as (

    select
        -- keys
        household_id as customer_id,
        campaign_id,

        -- what happened
        event_type,
        coalesce(event_type = 'failed' and error_code = 'permanent', false) as is_permanent_failure,

        -- times
        {{ local_date('event_at') }} as event_date,
        event_at,

        -- lineage
        batch_date

    from source

)

select * from final
