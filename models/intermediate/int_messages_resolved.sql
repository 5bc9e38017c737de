{{ config(materialized='view') }}

with

messages as (

    select * from {{ ref('int_messages_by_customer_day') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

final as (

    select
        -- keys
        coalesce(resolved.surviving_customer_id, messages.customer_id) as customer_id,
        messages.channel,
        messages.event_date,

        -- numbers
        messages.delivered_count,
        messages.failed_count,
        messages.complaint_count

    from messages
    left join resolved using (customer_id)

)

select * from final
