{#
    One message a customer and night: of all campaigns that may have the customer, the one that
    comes first by priority does. Every other rule is asked before this one.
#}

with

candidates as (

    select * from {{ ref('campaign_candidates') }}

),

excluded as (

    select campaign_id, customer_id from {{ ref('eligibility_consent') }}
    union
    select campaign_id, customer_id from {{ ref('eligibility_suppression') }}
    union
    select campaign_id, customer_id from {{ ref('eligibility_frequency_cap') }}
    union
    select campaign_id, customer_id from {{ ref('eligibility_exclusion_window') }}

),

left_over as (

    select
        candidates.campaign_id,
        candidates.customer_id,
        first_value(candidates.campaign_id) over (
            partition by candidates.customer_id order by candidates.priority, candidates.campaign_id
        ) as first_campaign_id
    from candidates
    left join excluded using (campaign_id, customer_id)
    where excluded.campaign_id is null

),

final as (

    select
        campaign_id,
        customer_id,
        'priority' as rule,
        'goes to ' || first_campaign_id || ' tonight' as reason

    from left_over
    where campaign_id <> first_campaign_id

)

select * from final
