{{ config(materialized='view') }}

with

parameters as (

    select * from {{ ref('int_prediction_parameters') }}

),

purchases as (

    select * from {{ ref('customer_purchases') }}

),

expected_orders as (

    select * from {{ ref('int_expected_orders') }}

),

buyers as (

    select
        customer_id,
        order_days_lifetime as order_days,
        order_days_lifetime - 1 as repeats,
        last_order_date - first_order_date as recency_days,
        {{ business_date() }} - first_order_date as age_days,
        greatest(cast(net_sales_lifetime as double), 0) as spent
    from purchases
    where first_order_date is not null

),

scored as (

    -- Far beyond e ^ 700, where a double ends, nobody is alive.
    select
        buyers.customer_id,
        buyers.repeats,
        buyers.age_days,
        parameters.r,
        parameters.alpha,
        parameters.model_version,
        case
            when buyers.repeats = 0 then 1.0
            else 1.0 / (1.0 + exp(least(
                ln(parameters.a / (parameters.b + buyers.repeats - 1))
                + (parameters.r + buyers.repeats)
                * ln(
                    (parameters.alpha + {{ weeks('buyers.age_days') }})
                    / (parameters.alpha + {{ weeks('buyers.recency_days') }})
                ),
                700
            )))
        end as p_alive,
        parameters.p * (parameters.gamma + buyers.spent)
        / (parameters.p * buyers.order_days + parameters.q - 1) as order_value
    from buyers
    cross join parameters
    where parameters.model_version is not null

),

final as (

    select
        -- key
        scored.customer_id,

        -- numbers
        scored.repeats,
        scored.age_days,
        scored.p_alive,
        scored.p_alive * (1 - {{ p_no_order_if_alive('scored', 60) }}) as p_order_60d,
        scored.p_alive * cast(expected_orders.orders_365d_if_alive as double) as orders_365d,
        scored.order_value,
        {{ money(
            'scored.p_alive * cast(expected_orders.orders_365d_if_alive as double)'
            ' * scored.order_value'
        ) }} as value_365d,

        -- the model
        scored.r,
        scored.alpha,
        scored.model_version

    from scored
    inner join expected_orders
        on
            scored.repeats = expected_orders.repeats
            and scored.age_days = expected_orders.age_days

)

select * from final
