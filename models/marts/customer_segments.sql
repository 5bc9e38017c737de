{% set levels = [
    'lifecycle_stage',
    'value_tier',
    'frequency_tier',
    'first_contact_channel',
    'top_department',
] %}

with

purchases as (

    select * from {{ ref('customer_purchases') }}

),

reachability as (

    select customer_id, first_contact_channel from {{ ref('customer_reachability') }}

),

affinity as (

    select customer_id, top_department_365d from {{ ref('customer_affinity') }}

),

cut_points as (

    select * from {{ ref('rfm_cut_points') }}

),

rfm_segments as (

    select * from {{ ref('rfm_segments') }}

),

measured as (

    select
        *,
        {{ business_date() }} - first_order_date as days_since_first_order,
        {{ business_date() }} - last_order_date as days_since_last_order,
        last_order_date - previous_order_date as last_gap_days
    from purchases

),

staged as (

    -- Every customer is in exactly one stage.
    select
        *,
        case
            when last_order_date is null then 'prospect'
            when days_since_first_order <= {{ threshold('new_customer_days') }} then 'new'
            when
                days_since_last_order <= {{ threshold('active_days') }}
                and last_gap_days > {{ threshold('churned_days') }}
                then 'reactivated'
            when days_since_last_order <= {{ threshold('active_days') }} then 'active'
            when days_since_last_order <= {{ threshold('at_risk_days') }} then 'at_risk'
            when days_since_last_order <= {{ threshold('churned_days') }} then 'churned'
            else 'dormant'
        end as lifecycle_stage
    from measured

),

scored as (

    select
        staged.customer_id,
        staged.lifecycle_stage,
        staged.net_sales_365d,
        {% for metric, value, best in [('recency', 'days_since_last_order', 'low'), ('frequency', 'orders_365d', 'high'), ('monetary', 'net_sales_365d', 'high')] %}
        case
            when staged.days_since_last_order >= 730 or staged.last_order_date is null then null
            when staged.{{ value }} <= {{ metric }}.cut_20 then {{ 5 if best == 'low' else 1 }}
            when staged.{{ value }} <= {{ metric }}.cut_40 then {{ 4 if best == 'low' else 2 }}
            when staged.{{ value }} <= {{ metric }}.cut_60 then 3
            when staged.{{ value }} <= {{ metric }}.cut_80 then {{ 2 if best == 'low' else 4 }}
            else {{ 1 if best == 'low' else 5 }}
        end as rfm_{{ metric }}_score,
        {% endfor %}
        coalesce(
            staged.net_sales_365d > monetary.cut_vip
            and staged.net_sales_365d >= {{ threshold('vip_floor_amount') }},
            false
        ) as is_vip
    from staged
    left join cut_points as recency on recency.metric = 'recency'
    left join cut_points as frequency on frequency.metric = 'frequency'
    left join cut_points as monetary on monetary.metric = 'monetary'

),

cells as (

    select
        scored.*,
        case
            when scored.is_vip then 'vip'
            when scored.rfm_monetary_score >= 4 then 'high'
            when scored.rfm_monetary_score >= 2 then 'middle'
            when scored.rfm_monetary_score = 1 then 'low'
            else 'none'
        end as value_tier,
        case
            when scored.rfm_frequency_score >= 4 then 'often'
            when scored.rfm_frequency_score >= 2 then 'sometimes'
            when scored.rfm_frequency_score = 1 then 'seldom'
            else 'never'
        end as frequency_tier,
        reachability.first_contact_channel,
        coalesce(affinity.top_department_365d, 'NONE') as top_department,
        0 as depth_6
    from scored
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

        -- recency, frequency, monetary
        folded.rfm_recency_score,
        folded.rfm_frequency_score,
        folded.rfm_monetary_score,
        cast(folded.rfm_recency_score as varchar)
        || cast(folded.rfm_frequency_score as varchar)
        || cast(folded.rfm_monetary_score as varchar) as rfm_cell,
        rfm_segments.rfm_segment,

        -- lifecycle
        folded.lifecycle_stage,
        folded.is_vip,

        -- micro-segment
        folded.lifecycle_stage
        || case when folded.depth >= 2 then '.' || folded.value_tier else '' end
        || case when folded.depth >= 3 then '.' || folded.frequency_tier else '' end
        || case when folded.depth >= 4 then '.' || folded.first_contact_channel else '' end
        || case
            when folded.depth >= 5 then '.' || lower(replace(folded.top_department, ' ', '_')) else ''
        end as micro_segment_id,
        'Stage ' || replace(folded.lifecycle_stage, '_', ' ')
        || case when folded.depth >= 2 then ', ' || folded.value_tier || ' value' else '' end
        || case when folded.depth >= 3 then ', buys ' || folded.frequency_tier else '' end
        || case
            when folded.depth < 4 then ''
            when folded.first_contact_channel = 'none' then ', cannot be reached'
            else ', reached by ' || replace(folded.first_contact_channel, '_', ' ')
        end
        || case when folded.depth >= 5 then ', mostly ' || lower(folded.top_department) else '' end
            as micro_segment_label,
        {{ hash_bucket("'scv' || cast(folded.customer_id as varchar)", 1000) }} as control_bucket

    from folded
    left join rfm_segments using (rfm_recency_score, rfm_frequency_score)
    order by customer_id

)

select * from final
