{% set live_stages = "'new', 'active', 'reactivated', 'at_risk'" %}

with

households as (

    select
        customer_id,
        registration_date
    from {{ ref('int_households_resolved') }}

),

purchases as (

    select * from {{ ref('customer_purchases') }}

),

lifecycle as (

    select
        customer_id,
        lifecycle_stage
    from {{ ref('customer_lifecycle') }}

),

scores as (

    select * from {{ ref('int_customer_scores') }}

),

hazards as (

    select * from {{ ref('int_first_order_hazards') }}

),

value_tiers as (

    -- From the percentile after the tier below, up to the last that is not in the tier above.
    select
        tier,
        100 - top_percent + 1 as lowest_percentile,
        100 - coalesce(lag(top_percent) over (order by top_percent), 0) as highest_percentile
    from {{ ref('value_tiers') }}

),

predicted as (

    select
        purchases.customer_id,
        households.registration_date,
        lifecycle.lifecycle_stage,
        purchases.last_order_date,
        purchases.avg_days_between_orders,
        scores.model_version,
        scores.repeats,
        scores.age_days,
        scores.r,
        scores.alpha,
        scores.p_alive,
        scores.p_order_60d,
        scores.orders_365d,
        scores.value_365d,
        cast(round(scores.value_365d, 2) * 100 as bigint) as value_cents,

        -- Without an order the customer is in 'churned' on this day from now.
        greatest(
            {{ threshold('at_risk_days') }} + 1
            - ({{ business_date() }} - purchases.last_order_date),
            {{ threshold('new_customer_days') }} + 1
            - ({{ business_date() }} - purchases.first_order_date)
        ) as days_to_churned
    from households
    inner join purchases using (customer_id)
    inner join lifecycle using (customer_id)
    left join scores using (customer_id)

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
    from predicted
    where value_cents is not null
    group by lifecycle_stage, value_cents

),

stage_percentiles as (

    select
        lifecycle_stage,
        value_cents,
        ceil(
            cast(100 * sum(customers) over (
                partition by lifecycle_stage
                order by value_cents
                rows between unbounded preceding and current row
            ) as double)
            / sum(customers) over (partition by lifecycle_stage)
        ) as percentile
    from histogram

),

values_counted as (

    select
        value_cents,
        sum(customers) as customers
    from histogram
    group by value_cents

),

ranked as (

    select
        value_cents,
        cast(ceil(
            cast(100 * sum(customers) over (
                order by value_cents rows between unbounded preceding and current row
            ) as double)
            / sum(customers) over ()
        ) as integer) as percentile
    from values_counted

),

percentiles as (

    select
        ranked.value_cents,
        ranked.percentile,
        value_tiers.tier
    from ranked
    inner join value_tiers
        on
            ranked.percentile
            between value_tiers.lowest_percentile and value_tiers.highest_percentile

),

tenures as (

    select distinct {{ business_date() }} - registration_date as tenure_days
    from predicted
    where lifecycle_stage = 'prospect'

),

first_orders as (

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

final as (

    select
        -- key
        predicted.customer_id,

        -- a year ahead
        cast(predicted.orders_365d as decimal(10, 4)) as pred_orders_365d,
        predicted.value_365d as pred_value_365d,
        percentiles.percentile as pred_value_percentile,
        cast(stage_percentiles.percentile as integer) as pred_value_percentile_in_stage,
        percentiles.tier as pred_value_tier,

        -- chances
        cast(predicted.p_alive as decimal(18, 4)) as p_alive,
        cast(
            case
                when predicted.lifecycle_stage not in ({{ live_stages }}) then null
                when predicted.model_version is null then null
                when predicted.days_to_churned > 60 then 0
                else
                    1 - predicted.p_alive
                    * (1 - {{ p_no_order_if_alive('predicted', 'predicted.days_to_churned') }})
            end as decimal(18, 4)
        ) as p_churn_60d,
        cast(
            case when predicted.lifecycle_stage = 'churned' then predicted.p_order_60d end
            as decimal(18, 4)
        ) as p_reactivate_60d,
        cast(
            case when predicted.lifecycle_stage = 'prospect' then first_orders.p_first_order_60d end
            as decimal(18, 4)
        ) as p_first_order_60d,

        -- times
        predicted.last_order_date + cast(round(predicted.avg_days_between_orders, 0) as integer)
            as pred_next_order_date,

        -- lineage
        predicted.model_version

    from predicted
    left join percentiles using (value_cents)
    left join stage_percentiles
        on
            predicted.lifecycle_stage = stage_percentiles.lifecycle_stage
            and predicted.value_cents = stage_percentiles.value_cents
    left join first_orders
        on {{ business_date() }} - predicted.registration_date = first_orders.tenure_days
    order by predicted.customer_id

)

select * from final
