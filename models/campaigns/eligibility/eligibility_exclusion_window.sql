{#
    While a campaign of ours runs, others of the same or a lower priority leave its customers
    alone. Its control group stays under observation too.
#}

with

candidates as (

    select * from {{ ref('campaign_candidates') }}

),

contacts as (

    select * from {{ ref('int_contacts_resolved') }}
    where contact_source = 'hub'

),

campaigns as (

    select * from {{ ref('campaigns') }}

),

running as (

    select
        contacts.customer_id,
        contacts.campaign_id as running_campaign_id,
        campaigns.priority as running_priority,
        max(contacts.contact_date) as contact_date
    from contacts
    inner join campaigns using (campaign_id)
    where {{ business_date() }} - contacts.contact_date < campaigns.duration_days
    group by contacts.customer_id, contacts.campaign_id, campaigns.priority

),

strongest as (

    select *
    from running
    qualify row_number() over (
        partition by customer_id
        order by running_priority asc, contact_date desc, running_campaign_id asc
    ) = 1

),

final as (

    select
        candidates.campaign_id,
        candidates.customer_id,
        'exclusion_window' as rule,
        'taken by ' || strongest.running_campaign_id || ' of '
        || cast(strongest.contact_date as varchar) as reason

    from candidates
    inner join strongest using (customer_id)
    where strongest.running_priority <= candidates.priority

)

select * from final
