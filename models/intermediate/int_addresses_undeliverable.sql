{{ config(materialized='view') }}

{#
    A bounce is the word of an address, not of a person: it counts for the address that the record
    it was sent under has now, whoever else has that address, and not for what the record was
    merged into, unless the address is the same.
#}

with

messages as (

    -- few of all that are sent
    select * from {{ ref('int_messages_by_customer_day') }}
    where failed_count > 0 or complaint_count > 0

),

households as (

    select customer_id, email_norm, phone_e164 from {{ ref('int_households_latest') }}

),

emails as (

    select
        'email' as channel,
        households.email_norm as address,
        max(case when messages.failed_count > 0 then messages.event_date end) as last_failed_date,
        max(case when messages.complaint_count > 0 then messages.event_date end)
            as last_complaint_date
    from messages
    inner join households using (customer_id)
    where messages.channel = 'email' and households.email_norm is not null
    group by households.email_norm

),

numbers as (

    select
        'sms' as channel,
        households.phone_e164 as address,
        max(case when messages.failed_count > 0 then messages.event_date end) as last_failed_date,
        cast(null as date) as last_complaint_date
    from messages
    inner join households using (customer_id)
    where messages.channel = 'sms' and households.phone_e164 is not null
    group by households.phone_e164

),

addresses as (

    select * from emails
    union all
    select * from numbers

),

final as (

    select
        -- keys
        channel,
        address,

        -- times
        last_failed_date,
        last_complaint_date

    from addresses
    where last_failed_date is not null or last_complaint_date is not null

)

select * from final
