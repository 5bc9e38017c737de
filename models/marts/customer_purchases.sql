{% set windows = [7, 30, 90, 365] %}

with

households as (

    select customer_id from {{ ref('int_households_resolved') }}

),

days as (

    select * from {{ ref('int_sales_by_customer_day') }}

),

tills as (

    -- Zero where the tills have reported and the customer bought nothing; null where they
    -- never have.
    select max(case when table_name = 'transactions' and was_ever_delivered then 0 end) as nothing
    from {{ ref('stg_pinned_batches') }}

),

sales as (

    select
        customer_id,

        min(business_date) as first_order_date,
        min(case when orders_to_date >= 2 then business_date end) as second_order_date,
        max(business_date) as last_order_date,
        max_by(previous_business_date, business_date) as previous_order_date,
        max_by(last_order_net_amount, business_date) as last_order_net,
        max_by(last_order_channel, business_date) as last_order_channel,

        count(*) as order_days_lifetime,
        sum(order_count) as orders_lifetime,
        sum(item_count) as items_lifetime,
        sum(gross_amount) as gross_sales_lifetime,
        sum(net_amount) as net_sales_lifetime,
        max(max_order_net_amount) as max_order_net_lifetime,

        {% for days_back in windows %}
        sum(case when {{ within('business_date', days_back) }} then order_count end)
            as orders_{{ days_back }}d,
        sum(case when {{ within('business_date', days_back) }} then net_amount end)
            as net_sales_{{ days_back }}d,
        {% endfor %}
        sum(case when {{ within('business_date', 365) }} then item_count end) as items_365d,
        sum(case when {{ within('business_date', 365) }} then gross_amount end) as gross_sales_365d,
        sum(case when {{ within('business_date', 365) }} then discount_amount end) as discount_365d,
        sum(case when {{ within('business_date', 365) }} then list_amount end) as list_sales_365d

    from days
    group by customer_id

),

final as (

    select
        -- key
        households.customer_id,

        -- firsts and lasts
        sales.first_order_date,
        sales.second_order_date,
        sales.last_order_date,
        sales.previous_order_date,
        {{ money('sales.last_order_net') }} as last_order_net,
        sales.last_order_channel,

        -- lifetime
        cast(coalesce(sales.orders_lifetime, tills.nothing) as integer) as orders_lifetime,
        cast(coalesce(sales.order_days_lifetime, tills.nothing) as integer) as order_days_lifetime,
        cast(coalesce(sales.items_lifetime, tills.nothing) as bigint) as items_lifetime,
        {{ money('coalesce(sales.gross_sales_lifetime, tills.nothing)') }} as gross_sales_lifetime,
        {{ money('coalesce(sales.net_sales_lifetime, tills.nothing)') }} as net_sales_lifetime,
        {{ ratio('sales.gross_sales_lifetime', 'sales.orders_lifetime') }} as aov_lifetime,
        {{ money('sales.max_order_net_lifetime') }} as max_order_net_lifetime,
        case
            when sales.orders_lifetime >= {{ threshold('minimum_orders_for_gap') }}
                then cast(
                    cast(sales.last_order_date - sales.first_order_date as double)
                    / (sales.orders_lifetime - 1) as decimal(8, 2)
                )
        end as avg_days_between_orders,
        sales.second_order_date - sales.first_order_date as days_first_to_second_order,

        -- windows
        {% for days_back in windows %}
        cast(coalesce(sales.orders_{{ days_back }}d, tills.nothing) as integer)
            as orders_{{ days_back }}d,
        {% endfor %}
        {% for days_back in windows %}
        {{ money('coalesce(sales.net_sales_' ~ days_back ~ 'd, tills.nothing)') }}
            as net_sales_{{ days_back }}d,
        {% endfor %}
        cast(coalesce(sales.items_365d, tills.nothing) as bigint) as items_365d,
        {{ ratio('sales.gross_sales_365d', 'sales.orders_365d') }} as aov_365d,
        {{ ratio('sales.discount_365d', 'sales.list_sales_365d') }} as discount_share_365d,
        {{ ratio('sales.gross_sales_365d', 'sales.items_365d') }} as avg_item_price_365d

    from households
    left join sales using (customer_id)
    cross join tills
    order by customer_id

)

select * from final
