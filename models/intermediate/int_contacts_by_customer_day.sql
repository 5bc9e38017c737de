{{ config(
    materialized='incremental',
    unique_key=['contact_source', 'batch_date'],
    pre_hook=[
        "{{ forget_replaced('campaign_mailings', contact_source='client') }}",
        "{{ forget_replaced('dispatches', contact_source='hub') }}",
    ],
) }}

with

campaign_mailings as (

    select * from {{ ref('stg_campaign_mailings') }}
    where {{ new_batches('campaign_mailings') }}

),

dispatches as (

    select * from {{ ref('stg_dispatches') }}
    where {{ new_batches('dispatches') }}

),

contacts as (

    -- What the client mailed itself, by post.
    select
        customer_id,
        'client' as contact_source,
        cast(client_campaign_id as varchar) as campaign_id,
        'direct_mail' as channel,
        mailed_date as contact_date,
        false as is_control,
        batch_date
    from campaign_mailings

    union all

    -- What the hub sent, or held back as control.
    select
        customer_id,
        'hub' as contact_source,
        campaign_id,
        channel,
        occurrence_date as contact_date,
        is_control,
        batch_date
    from dispatches

),

final as (

    select
        -- keys
        customer_id,
        contact_source,
        campaign_id,

        -- descriptive
        channel,

        -- flags
        is_control,

        -- times
        contact_date,

        -- lineage
        batch_date

    from contacts
    order by customer_id

)

select * from final
