{{ config(materialized='view') }}

with

store_days as (

    select * from {{ ref('int_sales_by_customer_store_day') }}

),

late_days as (

    select * from {{ ref('int_sales_of_late_days') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

days_counted_anew as (

    select distinct customer_id, business_date from late_days

),

sales as (

    -- A day to which something came late is counted anew, over all deliveries.
    select
        store_days.customer_id,
        store_days.business_date,
        store_days.store_id,
        store_days.channel,
        store_days.order_count,
        store_days.item_count,
        store_days.gross_amount,
        store_days.net_amount,
        store_days.discount_amount,
        store_days.list_amount,
        store_days.max_order_net_amount,
        store_days.last_order_net_amount,
        store_days.last_order_id,
        store_days.last_sold_at
    from store_days
    left join days_counted_anew using (customer_id, business_date)
    where days_counted_anew.customer_id is null

    union all

    select
        late_days.customer_id,
        late_days.business_date,
        late_days.store_id,
        late_days.channel,
        late_days.order_count,
        late_days.item_count,
        late_days.gross_amount,
        late_days.net_amount,
        late_days.discount_amount,
        late_days.list_amount,
        late_days.max_order_net_amount,
        late_days.last_order_net_amount,
        late_days.last_order_id,
        late_days.last_sold_at
    from late_days

),

final as (

    select
        -- keys
        coalesce(resolved.surviving_customer_id, sales.customer_id) as customer_id,
        sales.business_date,
        sales.store_id,
        sales.channel,

        -- numbers
        sales.order_count,
        sales.item_count,
        sales.gross_amount,
        sales.net_amount,
        sales.discount_amount,
        sales.list_amount,
        sales.max_order_net_amount,
        sales.last_order_net_amount,
        sales.last_order_id,

        -- times
        sales.last_sold_at

    from sales
    left join resolved using (customer_id)

)

select * from final
