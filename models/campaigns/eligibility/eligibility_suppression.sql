{# Test and blocked records, the client's own staff and resellers are never written to. #}

with

candidates as (

    select * from {{ ref('campaign_candidates') }}

),

identity as (

    select * from {{ ref('customer_identity') }}

),

final as (

    select
        candidates.campaign_id,
        candidates.customer_id,
        'suppression' as rule,
        case
            when identity.is_test then 'test record'
            when identity.is_blocked then 'blocked by the client'
            else 'works for the client or resells'
        end as reason

    from candidates
    inner join identity using (customer_id)
    where identity.is_test or identity.is_blocked or identity.is_employee_or_reseller

)

select * from final
