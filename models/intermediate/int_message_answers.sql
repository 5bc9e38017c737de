{{ config(
    materialized='incremental',
    unique_key=['customer_id', 'send_id', 'answer'],
    pre_hook="{{ forget_unless_newer('email_events') }}",
) }}

with

events as (

    -- What a machine opened nobody has read.
    select
        customer_id,
        send_id,
        event_type as answer,
        event_at as first_answered_at,
        event_at as last_answered_at,
        batch_date
    from {{ ref('stg_email_events') }}
    where
        event_type in ('open', 'click')
        and not is_machine_open
        and {{ new_batches('email_events', anew=true) }}

),

{% if is_incremental() %}

known as (

    select
        customer_id,
        send_id,
        answer,
        first_answered_at,
        last_answered_at,
        batch_date
    from {{ itself() }} as earlier
    where exists (
        select 1 from events
        where
            events.customer_id = earlier.customer_id
            and events.send_id = earlier.send_id
            and events.answer = earlier.answer
    )

),

told as (

    select * from events
    union all
    select * from known

),

{% else %}

told as (

    select * from events

),

{% endif %}

merged as (

    select
        customer_id,
        send_id,
        answer,
        min(first_answered_at) as first_answered_at,
        max(last_answered_at) as last_answered_at,
        max(batch_date) as batch_date
    from told
    group by customer_id, send_id, answer

),

final as (

    select
        -- keys
        customer_id,
        send_id,
        answer,

        -- times, and the local day and hour: told once, for a clock is dear to ask
        first_answered_at,
        {{ local_date('first_answered_at') }} as first_answered_date,
        {{ local_hour('first_answered_at') }} as first_answered_hour,
        last_answered_at,
        {{ local_date('last_answered_at') }} as last_answered_date,

        -- lineage
        batch_date

    from merged
    order by customer_id

)

select * from final
