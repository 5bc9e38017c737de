with

scores as (

    select
        *,
        cast(round(value_365d, 2) * 100 as bigint) as value_cents
    from {{ ref('customer_scores') }}

),

households as (

    select
        customer_id,
        {{ business_date() }} - registration_date as tenure_days
    from {{ ref('int_households_resolved') }}

),

hazards as (

    select * from {{ ref('first_order_hazards') }}

),

value_tiers as (

    -- From the percentile after the tier below, up to the last that is not in the tier above.
    select
        tier,
        100 - top_percent + 1 as lowest_percentile,
        100 - coalesce(lag(top_percent) over (order by top_percent), 0) as highest_percentile
    from {{ ref('value_tiers') }}

),

{#
    Percentiles by exact histogram over whole cents: distinct values are counted and walked
    through; customers are joined to them by equality.
#}
histogram as (

    select
        lifecycle_stage,
        value_cents,
        count(*) as customers
    from scores
    where value_cents is not null
    group by lifecycle_stage, value_cents

),

ranked as (

    -- Without a frame: equal values of several stages count together.
    select
        lifecycle_stage,
        value_cents,
        {{ percentile('sum(customers) over (order by value_cents)', 'sum(customers) over ()') }}
            as percentile,
        {{ percentile(
            'sum(customers) over (partition by lifecycle_stage order by value_cents)',
            'sum(customers) over (partition by lifecycle_stage)'
        ) }} as percentile_in_stage
    from histogram

),

percentiles as (

    select
        ranked.lifecycle_stage,
        ranked.value_cents,
        ranked.percentile,
        ranked.percentile_in_stage,
        value_tiers.tier
    from ranked
    inner join value_tiers
        on
            ranked.percentile
            between value_tiers.lowest_percentile and value_tiers.highest_percentile

),

prospects as (

    select
        scores.customer_id,
        households.tenure_days
    from scores
    inner join households using (customer_id)
    where scores.lifecycle_stage = 'prospect'

),

tenures as (

    select distinct tenure_days from prospects

),

chances as (

    -- Through the bands of the next 60 days; unknown where one of them is.
    select
        tenures.tenure_days,
        case
            when count(hazards.daily_hazard) = count(*)
                then 1 - exp(-sum(
                    cast(hazards.daily_hazard as double)
                    * (
                        least(tenures.tenure_days + 60, hazards.to_day)
                        - greatest(tenures.tenure_days + 1, hazards.from_day) + 1
                    )
                ))
        end as p_first_order_60d
    from tenures
    inner join hazards
        on
            tenures.tenure_days + 60 >= hazards.from_day
            and tenures.tenure_days + 1 <= hazards.to_day
    group by tenures.tenure_days

),

first_orders as (

    select
        prospects.customer_id,
        chances.p_first_order_60d
    from prospects
    left join chances using (tenure_days)

),

final as (

    select
        -- key
        scores.customer_id,

        -- a year ahead
        cast(scores.orders_365d as decimal(10, 4)) as pred_orders_365d,
        scores.value_365d as pred_value_365d,
        percentiles.percentile as pred_value_percentile,
        percentiles.percentile_in_stage as pred_value_percentile_in_stage,
        percentiles.tier as pred_value_tier,

        -- chances
        cast(scores.p_alive as decimal(18, 4)) as p_alive,
        cast(scores.p_churn_60d as decimal(18, 4)) as p_churn_60d,
        cast(scores.p_reactivate_60d as decimal(18, 4)) as p_reactivate_60d,
        cast(first_orders.p_first_order_60d as decimal(18, 4)) as p_first_order_60d,

        -- times
        scores.next_order_date as pred_next_order_date,

        -- lineage
        scores.model_version

    from scores
    left join percentiles
        on
            scores.lifecycle_stage = percentiles.lifecycle_stage
            and scores.value_cents = percentiles.value_cents
    left join first_orders on scores.customer_id = first_orders.customer_id
    order by scores.customer_id

)

select * from final
