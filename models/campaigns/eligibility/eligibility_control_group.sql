{#
    A share of every audience is held back, so that what the campaign changed can be measured.
    Drawn from the campaign and the person's key for life: whoever is in or out stays so, through
    merges too. Each campaign draws anew, so that nobody is held back from all of them together.
#}

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
        'control_group' as rule,
        'held back as control' as reason

    from candidates
    inner join identity using (customer_id)
    where
        {{ drawn_for_life("candidates.campaign_id || ':'", 'identity.scv_customer_id') }}
        < candidates.control_percent * 10

)

select * from final
