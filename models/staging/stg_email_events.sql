with

source as (

    select * from {{ source('raw', 'email_events') }}

),

final as (

    select
        -- keys
        household_id as customer_id,
        send_id,
        campaign_id,

        -- what happened
        event_type,
        coalesce(is_machine_open, false) as is_machine_open,
        coalesce(bounce_type = 'hard', false) as is_hard_bounce,

        -- times
        {{ local_date('event_at') }} as event_date,
        event_at,

        -- lineage
        batch_date

    from source

)

select * from final
