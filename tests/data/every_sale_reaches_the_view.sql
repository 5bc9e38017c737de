-- A row is a difference between what the tills sold to known customers less what came back, under
-- whichever of their records, and what the view says; or a delivery of which lines are not in the
-- sums by store and day. Money or orders were lost, or counted twice.

with

households as (

    select customer_id from {{ ref('int_households_resolved') }}

),

deliveries as (

    select batch_date, net_amount, item_count from {{ ref('int_order_lines') }}
    union all
    select batch_date, -net_amount as net_amount, -item_count as item_count
    from {{ ref('int_sales_by_customer_store_day') }}

),

sold as (

    select
        {{ money('coalesce(sum(sales.net_amount), 0)') }} as net_amount,
        coalesce(sum(sales.order_count), 0) as order_count
    from {{ ref('int_sales_resolved') }} as sales
    inner join households on sales.customer_id = households.customer_id

),

returned as (

    select {{ money('coalesce(sum(returned.refund_amount), 0)') }} as refund_amount
    from {{ ref('int_returns_resolved') }} as returned
    inner join households on returned.customer_id = households.customer_id

),

viewed as (

    select
        {{ money('coalesce(sum(net_sales_lifetime), 0)') }} as net_amount,
        coalesce(sum(orders_lifetime), 0) as order_count
    from {{ ref('customer_purchases') }}

)

select
    'the view' as what,
    sold.net_amount - returned.refund_amount as expected_net_amount,
    viewed.net_amount,
    sold.order_count as expected_count,
    viewed.order_count as found_count
from sold
cross join returned
cross join viewed
where
    {{ money('sold.net_amount - returned.refund_amount') }} <> viewed.net_amount
    or sold.order_count <> viewed.order_count

union all

select
    'the sums of ' || cast(batch_date as varchar) as what,
    {{ money('0') }} as expected_net_amount,
    {{ money('sum(net_amount)') }} as net_amount,
    0 as expected_count,
    sum(item_count) as found_count
from deliveries
group by batch_date
having {{ money('sum(net_amount)') }} <> 0 or sum(item_count) <> 0
