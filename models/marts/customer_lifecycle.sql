{% set metrics = [
    ('recency', 'days_since_last_order', 'low'),
    ('frequency', 'orders_365d', 'high'),
    ('monetary', 'net_sales_365d', 'high'),
] %}

with

purchases as (

    select * from {{ ref('customer_purchases') }}

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

registered as (

    select customer_id, registration_date from {{ ref('int_households_resolved') }}

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

dated as (

    -- When the present stay could begin at the earliest: by the orders, and after being new.
    select
        staged.*,
        registered.registration_date,
        {{ plus_days('staged.first_order_date', threshold('new_customer_days') ~ ' + 1') }}
            as new_until_date,
        case staged.lifecycle_stage
            when 'prospect' then registered.registration_date
            when 'new' then staged.first_order_date
            when 'reactivated' then staged.last_order_date
            when 'active'
                then case
                    -- the streak began as reactivated: active since its second order
                    when staged.streak_gap_days > {{ threshold('churned_days') }}
                        then staged.streak_second_date
                    else staged.streak_start_date
                end
            when 'at_risk'
                then {{ plus_days('staged.last_order_date', threshold('active_days') ~ ' + 1') }}
            when 'churned'
                then {{ plus_days('staged.last_order_date', threshold('at_risk_days') ~ ' + 1') }}
            else {{ plus_days('staged.last_order_date', threshold('churned_days') ~ ' + 1') }}
        end as entered_date
    from staged
    inner join registered using (customer_id)

),

stayed as (

    select
        *,
        case
            when lifecycle_stage in ('prospect', 'new') then entered_date
            else greatest(entered_date, new_until_date)
        end as lifecycle_stage_since,
        case
            when lifecycle_stage = 'prospect' then null
            when lifecycle_stage = 'new'
                then case when registration_date < first_order_date then 'prospect' end
            when entered_date <= new_until_date then 'new'
            when lifecycle_stage = 'dormant' then 'churned'
            when lifecycle_stage = 'churned' then 'at_risk'
            when lifecycle_stage = 'at_risk' and last_gap_days > {{ threshold('churned_days') }}
                then 'reactivated'
            when lifecycle_stage = 'at_risk' then 'active'
            -- the night before the order had one day less without any
            when lifecycle_stage = 'reactivated'
                then case
                    when last_gap_days - 1 > {{ threshold('churned_days') }} then 'dormant'
                    else 'churned'
                end
            when streak_gap_days > {{ threshold('churned_days') }} then 'reactivated'
            when streak_gap_days - 1 > {{ threshold('at_risk_days') }} then 'churned'
            else 'at_risk'
        end as lifecycle_stage_prev
    from dated

),

scored as (

    select
        staged.customer_id,
        staged.lifecycle_stage,
        staged.lifecycle_stage_since,
        staged.lifecycle_stage_prev,
        {% for metric, value, best in metrics %}
        case
            when staged.days_since_last_order >= 730 or staged.last_order_date is null then null
            when staged.{{ value }} is null then null
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
    from stayed as staged
    left join cut_points as recency on recency.metric = 'recency'
    left join cut_points as frequency on frequency.metric = 'frequency'
    left join cut_points as monetary on monetary.metric = 'monetary'

),

final as (

    select
        -- key
        scored.customer_id,

        -- recency, frequency, monetary
        scored.rfm_recency_score,
        scored.rfm_frequency_score,
        scored.rfm_monetary_score,
        cast(scored.rfm_recency_score as varchar)
        || cast(scored.rfm_frequency_score as varchar)
        || cast(scored.rfm_monetary_score as varchar) as rfm_cell,
        rfm_segments.rfm_segment,

        -- lifecycle
        scored.lifecycle_stage,
        scored.lifecycle_stage_since,
        scored.lifecycle_stage_prev,
        scored.is_vip

    from scored
    left join rfm_segments using (rfm_recency_score, rfm_frequency_score)
    order by customer_id

)

select * from final
