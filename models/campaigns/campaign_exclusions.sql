{# Rules in the order in which they are asked; the first that speaks is the reason given. #}

{% set rules = [
    'eligibility_consent',
    'eligibility_suppression',
    'eligibility_frequency_cap',
    'eligibility_exclusion_window',
    'eligibility_priority',
    'eligibility_control_group',
] %}

with

spoken as (

    {% for rule in rules %}
    select campaign_id, customer_id, rule, reason, {{ loop.index }} as rule_order
    from {{ ref(rule) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

final as (

    select
        campaign_id,
        customer_id,
        rule,
        reason,
        cast(rule_order as integer) as rule_order

    from spoken

)

select * from final
