{% set levels = [
    'lifecycle_stage',
    'value_tier',
    'frequency_tier',
    'first_contact_channel',
    'top_department',
] %}

with

lifecycle as (

    select * from {{ ref('customer_lifecycle') }}

),

reachability as (

    select customer_id, first_contact_channel from {{ ref('customer_reachability') }}

),

affinity as (

    select customer_id, top_department_365d from {{ ref('customer_affinity') }}

),

cells as (

    select
        lifecycle.customer_id,
        lifecycle.lifecycle_stage,
        case
            when lifecycle.is_vip then 'vip'
            when lifecycle.rfm_monetary_score >= 4 then 'high'
            when lifecycle.rfm_monetary_score >= 2 then 'middle'
            when lifecycle.rfm_monetary_score = 1 then 'low'
            else 'none'
        end as value_tier,
        case
            when lifecycle.rfm_frequency_score >= 4 then 'often'
            when lifecycle.rfm_frequency_score >= 2 then 'sometimes'
            when lifecycle.rfm_frequency_score = 1 then 'seldom'
            else 'never'
        end as frequency_tier,
        reachability.first_contact_channel,
        coalesce(affinity.top_department_365d, 'NONE') as top_department,
        0 as depth_6
    from lifecycle
    inner join reachability using (customer_id)
    inner join affinity using (customer_id)

),

{#
    From the finest cells up: customers of a cell too small to be read in a test fold into its
    parent, and are counted there with the others who folded.
#}
{% for depth in [5, 4, 3, 2] %}
folded_to_{{ depth }} as (

    select
        *,
        case
            when depth_{{ depth + 1 }} > 0 then depth_{{ depth + 1 }}
            when
                sum(case when depth_{{ depth + 1 }} = 0 then 1 else 0 end) over (
                    partition by {{ levels[:depth] | join(', ') }}
                ) >= {{ threshold('micro_segment_minimum_customers') }}
                then {{ depth }}
            else 0
        end as depth_{{ depth }}
    from {{ 'cells' if depth == 5 else 'folded_to_' ~ (depth + 1) }}

),

{% endfor %}
folded as (

    select
        *,
        greatest(depth_2, 1) as depth
    from folded_to_2

),

final as (

    select
        -- key
        folded.customer_id,

        -- micro-segment
        folded.lifecycle_stage
        || case when folded.depth >= 2 then '.' || folded.value_tier else '' end
        || case when folded.depth >= 3 then '.' || folded.frequency_tier else '' end
        || case when folded.depth >= 4 then '.' || folded.first_contact_channel else '' end
        || case
            when folded.depth >= 5 then '.' || lower(replace(folded.top_department, ' ', '_'))
            else ''
        end as micro_segment_id,
        'Stage ' || replace(folded.lifecycle_stage, '_', ' ')
        || case
            when folded.depth >= 2 then ', ' || replace(folded.value_tier, 'none', 'no') || ' value'
            else ''
        end
        || case when folded.depth >= 3 then ', buys ' || folded.frequency_tier else '' end
        || case
            when folded.depth < 4 then ''
            when folded.first_contact_channel = 'none' then ', cannot be reached'
            else ', reached by ' || replace(folded.first_contact_channel, '_', ' ')
        end
        || case when folded.depth >= 5 then ', mostly ' || lower(folded.top_department) else '' end
            as micro_segment_label,
        {{ hash_bucket(
            "'scv' || cast(folded.customer_id as varchar)", 1000
        ) }} as control_bucket

    from folded
    order by customer_id

)

select * from final
