{#
    Nobody is written to on a channel without consent for it, a deliverable address, and being
    the main record of that address.
#}

with

candidates as (

    select * from {{ ref('campaign_candidates') }}

),

reachability as (

    select * from {{ ref('customer_reachability') }}

),

final as (

    select
        candidates.campaign_id,
        candidates.customer_id,
        'consent' as rule,
        'may not be written to by ' || replace(candidates.channel, '_', ' ') as reason

    from candidates
    inner join reachability using (customer_id)
    where
        not case candidates.channel
            when 'email' then reachability.contactable_email
            when 'sms' then reachability.contactable_sms
            when 'direct_mail' then reachability.contactable_direct_mail
            else false
        end

)

select * from final
