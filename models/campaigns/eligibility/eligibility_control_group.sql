{#
    A share of every audience is held back, so that what the campaign changed can be measured.
    Drawn from the customer and the campaign: the same customer stays in or out for its life.
#}

with

candidates as (

    select * from {{ ref('campaign_candidates') }}

),

final as (

    select
        campaign_id,
        customer_id,
        'control_group' as rule,
        'held back as control' as reason

    from candidates
    where
        {{ hash_bucket("campaign_id || ':' || cast(customer_id as varchar)", 1000) }}
        < control_percent * 10

)

select * from final
