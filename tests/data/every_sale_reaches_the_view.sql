-- A row is a difference between what the tills sold to known customers less what came back, under
-- whichever of their records, and what the view says: money or orders were lost, or counted twice.

with

households as (

    select customer_id from {{ ref('int_households_resolved') }}

),

sold as (

    select
        {{ money('sum(lines.net_amount)') }} as net_amount,
        count(distinct lines.order_id) as order_count
    from {{ ref('int_order_lines_resolved') }} as lines
    inner join households on lines.customer_id = households.customer_id

),

returned as (

    select coalesce(sum(returned.refund_amount), 0) as refund_amount
    from {{ ref('int_returns_resolved') }} as returned
    inner join households on returned.customer_id = households.customer_id

),

viewed as (

    select
        {{ money('sum(net_sales_lifetime)') }} as net_amount,
        sum(orders_lifetime) as order_count
    from {{ ref('single_customer_view') }}

)

select sold.net_amount, returned.refund_amount, viewed.net_amount as viewed_net_amount, sold.order_count, viewed.order_count as viewed_orders
from sold
cross join returned
cross join viewed
where sold.net_amount - returned.refund_amount <> viewed.net_amount or sold.order_count <> viewed.order_count
