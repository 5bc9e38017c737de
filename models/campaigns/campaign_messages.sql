{{ config(materialized='view') }}

with

targets as (

    select * from {{ ref('campaign_targets') }}
    where status = 'chosen'

),

identity as (

    select * from {{ ref('customer_identity') }}

),

demographics as (

    select * from {{ ref('customer_demographics') }}

),

final as (

    select
        -- keys
        targets.campaign_id,
        targets.occurrence_date,
        targets.customer_id,

        -- where to
        targets.channel,
        case targets.channel
            when 'email' then identity.email_norm
            when 'sms' then identity.phone_e164
            when 'direct_mail'
                then
                    identity.address_line
                    || coalesce(', ' || identity.city, '')
                    || coalesce(', ' || nullif(demographics.region, 'unknown'), '')
                    || ' ' || identity.postal_code
        end as address,

        -- content
        coalesce(identity.first_name, '') as first_name,
        coalesce(identity.last_name, '') as last_name,
        demographics.language_code

    from targets
    inner join identity using (customer_id)
    inner join demographics using (customer_id)

)

select * from final
