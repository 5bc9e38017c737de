{#
    Customers are counted by cell first, and cells are named and folded: there are thousands of
    them, where there are millions of customers.
#}
{% set levels = [
    'lifecycle_stage',
    'value_tier',
    'frequency_tier',
    'channel_tier',
    'department_tier',
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

segments_before as (

    select * from {{ ref('stg_segments_before') }}

),

lifecycle_stages as (

    select * from {{ ref('lifecycle_stages') }}

),

tiers as (

    select * from {{ ref('micro_segment_tiers') }}

),

coded as (

    select
        lifecycle.customer_id,
        lifecycle.lifecycle_stage,
        case
            when lifecycle.is_vip then 6
            else coalesce(lifecycle.rfm_monetary_score, 0)
        end as value_code,
        coalesce(lifecycle.rfm_frequency_score, 0) as frequency_code,
        reachability.first_contact_channel,
        coalesce(affinity.top_department_365d, 'none') as department
    from lifecycle
    inner join reachability using (customer_id)
    inner join affinity using (customer_id)

),

counted as (

    select
        lifecycle_stage,
        value_code,
        frequency_code,
        first_contact_channel,
        department,
        count(*) as customer_count
    from coded
    group by lifecycle_stage, value_code, frequency_code, first_contact_channel, department

),

cells as (

    select
        counted.*,
        lifecycle_stages.label as stage_label,
        value_tiers.tier as value_tier,
        value_tiers.words as value_words,
        frequency_tiers.tier as frequency_tier,
        frequency_tiers.words as frequency_words,
        channel_tiers.tier as channel_tier,
        channel_tiers.words as channel_words,
        lower(replace(counted.department, ' ', '_')) as department_tier,
        0 as depth_6
    from counted
    left join lifecycle_stages using (lifecycle_stage)
    left join tiers as value_tiers
        on
            value_tiers.level = 'value'
            and value_tiers.code = cast(counted.value_code as varchar)
    left join tiers as frequency_tiers
        on
            frequency_tiers.level = 'frequency'
            and frequency_tiers.code = cast(counted.frequency_code as varchar)
    left join tiers as channel_tiers
        on
            channel_tiers.level = 'channel'
            and counted.first_contact_channel = channel_tiers.code

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
                sum(case when depth_{{ depth + 1 }} = 0 then customer_count else 0 end) over (
                    partition by {{ levels[:depth] | join(', ') }}
                ) >= {{ threshold('micro_segment_minimum_customers') }}
                then {{ depth }}
            else 0
        end as depth_{{ depth }}
    from {{ 'cells' if depth == 5 else 'folded_to_' ~ (depth + 1) }}

),

{% endfor %}
named as (

    select
        lifecycle_stage,
        value_code,
        frequency_code,
        first_contact_channel,
        department,
        lifecycle_stage
        || case when depth_2 >= 2 then '.' || value_tier else '' end
        || case when depth_2 >= 3 then '.' || frequency_tier else '' end
        || case when depth_2 >= 4 then '.' || channel_tier else '' end
        || case when depth_2 >= 5 then '.' || department_tier else '' end as micro_segment_id,
        stage_label
        || case when depth_2 >= 2 then ', ' || value_words else '' end
        || case when depth_2 >= 3 then ', ' || frequency_words else '' end
        || case when depth_2 >= 4 then ', ' || channel_words else '' end
        || case when depth_2 >= 5 then ', mostly ' || lower(department) else '' end
            as micro_segment_label
    from folded_to_2

),

final as (

    select
        -- key
        coded.customer_id,

        -- micro-segment
        named.micro_segment_id,
        named.micro_segment_label,
        segments_before.micro_segment_id as micro_segment_prev

    from coded
    left join named
        using (lifecycle_stage, value_code, frequency_code, first_contact_channel, department)
    left join segments_before using (customer_id)
    order by customer_id

)

select * from final
