{{ config(materialized='view') }}

with

parameters as (

    select * from {{ ref('int_prediction_parameters') }}

),

purchases as (

    select
        customer_id,
        order_days_lifetime as order_days,
        order_days_lifetime - 1 as repeats,
        first_order_date,
        last_order_date,
        last_order_date - first_order_date as recency_days,
        {{ business_date() }} - first_order_date as age_days,
        {{ business_date() }} - last_order_date as days_since_last_order,
        greatest(cast(net_sales_lifetime as double), 0) as spent,
        avg_days_between_orders
    from {{ ref('customer_purchases') }}

),

stages as (

    select
        lifecycle_stage,
        is_live
    from {{ ref('lifecycle_stages') }}

),

lifecycle as (

    select
        customer_id,
        lifecycle_stage
    from {{ ref('customer_lifecycle') }}

),

expected_orders as (

    select * from {{ ref('expected_orders') }}

),

known as (

    select
        purchases.*,
        lifecycle.lifecycle_stage,
        stages.is_live,
        parameters.r,
        parameters.alpha,
        parameters.a,
        parameters.b,
        parameters.p,
        parameters.q,
        parameters.gamma,
        parameters.model_version,
        cast(expected_orders.orders_365d_if_alive as double) as orders_365d_if_alive,

        -- Without an order the customer is in 'churned' on this day from now, tomorrow at the
        -- earliest.
        greatest(
            1,
            {{ threshold('at_risk_days') }} + 1 - purchases.days_since_last_order,
            {{ threshold('new_customer_days') }} + 1 - purchases.age_days
        ) as days_to_churned
    from purchases
    inner join lifecycle using (customer_id)
    inner join stages using (lifecycle_stage)
    cross join parameters
    left join expected_orders
        on
            purchases.repeats = expected_orders.repeats
            and purchases.age_days = expected_orders.age_days

),

scored as (

    -- Far beyond e ^ 700, where a double ends, nobody is alive.
    select
        *,
        case
            when first_order_date is null or model_version is null then null
            when repeats = 0 then 1.0
            else 1.0 / (1.0 + exp(least(
                ln(a / (b + repeats - 1))
                + (r + repeats)
                * ln(
                    (alpha + {{ weeks('age_days') }}) / (alpha + {{ weeks('recency_days') }})
                ),
                700
            )))
        end as p_alive,
        case
            when first_order_date is not null
                then p * (gamma + spent) / (p * order_days + q - 1)
        end as order_value
    from known

),

final as (

    select
        -- key
        customer_id,

        -- what kind of customer
        lifecycle_stage,

        -- a year ahead
        cast(p_alive * orders_365d_if_alive as decimal(18, 8)) as orders_365d,
        cast(order_value as decimal(18, 8)) as order_value,
        {{ money('p_alive * orders_365d_if_alive * order_value') }} as value_365d,

        -- chances
        cast(p_alive as decimal(18, 8)) as p_alive,
        cast(
            case
                when lifecycle_stage = 'churned' then p_alive * (1 - {{ p_no_order_if_alive(60) }})
            end as decimal(18, 8)
        ) as p_reactivate_60d,
        cast(
            case
                when p_alive is null or not is_live then null
                when days_to_churned > 60 then 0
                else 1 - p_alive * (1 - {{ p_no_order_if_alive('days_to_churned') }})
            end as decimal(18, 8)
        ) as p_churn_60d,

        -- times
        cast(
            {{ dbt.dateadd(
                'day', 'cast(round(avg_days_between_orders, 0) as integer)', 'last_order_date'
            ) }} as date
        ) as next_order_date,

        -- lineage
        case when p_alive is not null then model_version end as model_version

    from scored

)

select * from final
