{% set order_windows = [7, 30, 90, 365, 730] %}
{% set sales_windows = [7, 30, 90, 365] %}
{# Net is what was sold in a window less what was refunded in it, each on its own day. #}
{% set net = {} %}
{% for window in ['lifetime', '7d', '30d', '90d', '365d', 'prev_365d'] %}
    {% do net.update({
        window: money(
            "coalesce(" ~ ("history" if window == "lifetime" else "sales")
            ~ ".gross_sales_" ~ window ~ ", delivered.no_sales) - "
            ~ "coalesce(refunds.refunds_" ~ window ~ ", delivered.no_returns)"
        )
    }) %}
{% endfor %}

with

households as (

    select customer_id from {{ ref('int_households_resolved') }}

),

history as (

    select * from {{ ref('int_purchase_history') }}

),

store_days as (

    -- No further back than the longest window: the cost must not grow with the history.
    select * from {{ ref('int_sales_resolved') }}
    where {{ within('business_date', 730) }}

),

returned as (

    select * from {{ ref('int_returns_resolved') }}

),

delivered as (

    -- Zero where a source has reported and has nothing of the customer; null where it never has.
    select
        max(case when table_name = 'transactions' and was_ever_delivered then 0 end) as no_sales,
        max(case when table_name = 'returns' and was_ever_delivered then 0 end) as no_returns
    from {{ ref('stg_pinned_batches') }}

),

sales as (

    select
        customer_id,
        {% for days_back in order_windows %}
        sum(case when {{ within('business_date', days_back) }} then order_count end)
            as orders_{{ days_back }}d,
        {% endfor %}
        {% for days_back in sales_windows %}
        sum(case when {{ within('business_date', days_back) }} then gross_amount end)
            as gross_sales_{{ days_back }}d,
        {% endfor %}
        sum(case when {{ within_previous('business_date', 365) }} then gross_amount end)
            as gross_sales_prev_365d,
        sum(case when {{ within('business_date', 365) }} then item_count end) as items_365d,
        sum(case when {{ within('business_date', 365) }} then discount_amount end) as discount_365d,
        sum(case when {{ within('business_date', 365) }} then list_amount end) as list_sales_365d
    from store_days
    group by customer_id

),

refunds as (

    -- A refund counts on the day on which it is booked, whenever the purchase was.
    select
        customer_id,
        sum(item_count) as items_lifetime,
        sum(refund_amount) as refunds_lifetime,
        {% for days_back in sales_windows %}
        sum(case when {{ within('returned_date', days_back) }} then refund_amount end)
            as refunds_{{ days_back }}d,
        {% endfor %}
        sum(case when {{ within_previous('returned_date', 365) }} then refund_amount end)
            as refunds_prev_365d,
        sum(case when {{ within('returned_date', 365) }} then item_count end) as items_365d
    from returned
    group by customer_id

),

refunds_of_last_orders as (

    select history.customer_id, sum(returned.refund_amount) as refund_amount
    from returned
    inner join history
        on returned.customer_id = history.customer_id and returned.order_id = history.last_order_id
    group by history.customer_id

),

final as (

    select
        -- key
        households.customer_id,

        -- firsts and lasts
        history.first_order_date,
        history.second_order_date,
        history.last_order_date,
        history.previous_order_date,
        history.streak_start_date,
        history.streak_gap_days,
        history.streak_second_date,
        {{ money(
            'history.last_order_gross'
            ~ ' - coalesce(refunds_of_last_orders.refund_amount, delivered.no_returns)'
        ) }} as last_order_net,
        history.last_order_channel,

        -- lifetime
        cast(coalesce(history.orders_lifetime, delivered.no_sales) as integer) as orders_lifetime,
        cast(coalesce(history.order_days_lifetime, delivered.no_sales) as integer)
            as order_days_lifetime,
        cast(
            coalesce(history.items_sold_lifetime, delivered.no_sales)
            - coalesce(refunds.items_lifetime, delivered.no_returns) as bigint
        ) as items_lifetime,
        {{ money('coalesce(history.gross_sales_lifetime, delivered.no_sales)') }}
            as gross_sales_lifetime,
        {{ net['lifetime'] }} as net_sales_lifetime,
        {{ ratio('history.gross_sales_lifetime', 'history.orders_lifetime') }} as aov_lifetime,
        {{ money('history.max_order_net_lifetime') }} as max_order_net_lifetime,
        case
            when history.orders_lifetime >= {{ threshold('minimum_orders_for_gap') }}
                then cast(
                    cast(history.last_order_date - history.first_order_date as double)
                    / (history.orders_lifetime - 1) as decimal(8, 2)
                )
        end as avg_days_between_orders,
        history.second_order_date - history.first_order_date as days_first_to_second_order,

        -- windows
        {% for days_back in order_windows %}
        cast(coalesce(sales.orders_{{ days_back }}d, delivered.no_sales) as integer)
            as orders_{{ days_back }}d,
        {% endfor %}
        {% for days_back in sales_windows %}
        {{ net[days_back ~ 'd'] }} as net_sales_{{ days_back }}d,
        {% endfor %}
        {{ net['prev_365d'] }} as net_sales_prev_365d,
        {{ ratio(net['365d'], net['prev_365d']) }} as net_sales_yoy_ratio,
        cast(coalesce(sales.items_365d, delivered.no_sales) as bigint) as items_365d,
        {{ ratio('sales.gross_sales_365d', 'sales.orders_365d') }} as aov_365d,
        cast(coalesce(refunds.items_365d, delivered.no_returns) as bigint) as returns_count_365d,
        case
            when refunds.refunds_365d > sales.gross_sales_365d and sales.gross_sales_365d > 0 then 1
            else
                {{ ratio(
                    'coalesce(refunds.refunds_365d, delivered.no_returns)',
                    'sales.gross_sales_365d'
                ) }}
        end as return_rate_365d,
        {{ ratio('sales.discount_365d', 'sales.list_sales_365d') }} as discount_share_365d,
        {{ ratio('sales.gross_sales_365d', 'sales.items_365d') }} as avg_item_price_365d,

        -- flags
        coalesce(
            sales.gross_sales_365d > {{ threshold('reseller_gross_sales_amount') }}, false
        ) as buys_like_a_reseller

    from households
    left join history using (customer_id)
    left join sales using (customer_id)
    left join refunds using (customer_id)
    left join refunds_of_last_orders using (customer_id)
    cross join delivered
    order by customer_id

)

select * from final
