{{ config(
    materialized='incremental',
    unique_key=['channel', 'batch_date'],
    pre_hook=[
        "{{ forget_replaced('email_events', channel='email') }}",
        "{{ forget_replaced('sms_events', channel='sms') }}",
    ],
) }}

with

email_events as (

    select * from {{ ref('stg_email_events') }}
    where event_type in ('delivered', 'bounce', 'complaint') and {{ new_batches('email_events') }}

),

sms_events as (

    select * from {{ ref('stg_sms_events') }}
    where {{ new_batches('sms_events') }}

),

emails as (

    select
        customer_id,
        'email' as channel,
        event_date,
        batch_date,
        count(distinct case when event_type = 'delivered' then send_id end) as delivered_count,
        count(distinct case when is_hard_bounce then send_id end) as failed_count,
        count(distinct case when event_type = 'complaint' then send_id end) as complaint_count
    from email_events
    group by customer_id, event_date, batch_date

),

texts as (

    select
        customer_id,
        'sms' as channel,
        event_date,
        batch_date,
        count_if(event_type = 'delivered') as delivered_count,
        count_if(is_permanent_failure) as failed_count,
        0 as complaint_count
    from sms_events
    group by customer_id, event_date, batch_date

),

messages as (

    select * from emails
    union all
    select * from texts

),

final as (

    select
        -- keys
        customer_id,
        channel,
        event_date,

        -- numbers
        cast(delivered_count as integer) as delivered_count,
        cast(failed_count as integer) as failed_count,
        cast(complaint_count as integer) as complaint_count,

        -- lineage
        batch_date

    from messages
    where delivered_count + failed_count + complaint_count > 0
    order by customer_id

)

select * from final
