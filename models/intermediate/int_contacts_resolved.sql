{{ config(materialized='view') }}

with

contacts as (

    select * from {{ ref('int_contacts_by_customer_day') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

final as (

    select
        -- keys
        coalesce(resolved.surviving_customer_id, contacts.customer_id) as customer_id,
        contacts.contact_source,
        contacts.campaign_id,

        -- descriptive
        contacts.channel,

        -- flags
        contacts.is_control,

        -- times
        contacts.contact_date,

        -- lineage
        contacts.batch_date

    from contacts
    left join resolved using (customer_id)

)

select * from final
