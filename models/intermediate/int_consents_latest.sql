{{ config(
    materialized='incremental',
    unique_key=['customer_id', 'channel'],
    pre_hook="{{ forget_unless_newer('consents') }}",
) }}

with

events as (

    select
        customer_id,
        channel,
        is_opt_in,
        capture_source,
        event_at,
        case when not is_opt_in then event_at end as opted_out_at,
        batch_date
    from {{ ref('stg_consents') }}
    where {{ new_batches('consents', anew=true) }}

),

{% if is_incremental() %}

known as (

    select
        customer_id,
        channel,
        is_opt_in,
        capture_source,
        event_at,
        last_opted_out_at as opted_out_at,
        batch_date
    from {{ itself() }} as earlier
    where exists (
        select 1 from events
        where
            events.customer_id = earlier.customer_id
            and events.channel = earlier.channel
    )

),

said as (

    select * from events
    union all
    select * from known

),

{% else %}

said as (

    select * from events

),

{% endif %}

final as (

    select
        -- keys
        customer_id,
        channel,

        -- consent
        is_opt_in,
        capture_source,

        -- times
        event_at,
        max(opted_out_at) over (partition by customer_id, channel) as last_opted_out_at,

        -- lineage
        max(batch_date) over (partition by customer_id, channel) as batch_date

    from said
    -- at the same instant a no outranks a yes
    qualify row_number() over (
        partition by customer_id, channel order by event_at desc, is_opt_in asc, capture_source asc
    ) = 1

)

select * from final
