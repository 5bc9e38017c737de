with

store_days as (

    select * from {{ ref('int_sales_by_customer_store_day') }}

),

lines as (

    select * from {{ ref('int_order_lines') }}

),

late_days as (

    -- Days of a customer to which a later delivery than the first one added something.
    select distinct customer_id, business_date
    from store_days
    where
        business_date < batch_date
        and batch_date > (select min(every_day.batch_date) from store_days as every_day)

),

sums as (

    select
        store_days.customer_id,
        store_days.business_date,
        store_days.store_id,
        store_days.channel,
        sum(store_days.item_count) as item_count,
        sum(store_days.gross_amount) as gross_amount,
        sum(store_days.net_amount) as net_amount,
        sum(store_days.discount_amount) as discount_amount,
        sum(store_days.list_amount) as list_amount
    from store_days
    inner join late_days using (customer_id, business_date)
    group by
        store_days.customer_id,
        store_days.business_date,
        store_days.store_id,
        store_days.channel

),

baskets as (

    select
        lines.customer_id,
        lines.business_date,
        lines.store_id,
        lines.channel,
        lines.order_id,
        max(lines.sold_at) as sold_at,
        sum(lines.net_amount) as net_amount
    from lines
    inner join late_days using (customer_id, business_date)
    group by
        lines.customer_id,
        lines.business_date,
        lines.store_id,
        lines.channel,
        lines.order_id

),

orders as (

    select
        *,
        row_number() over (
            partition by customer_id, business_date, store_id, channel
            order by sold_at, order_id
        ) as order_rank
    from baskets

),

whole as (

    select
        customer_id,
        business_date,
        store_id,
        channel,
        count(*) as order_count,
        max(net_amount) as max_order_net_amount,
        max_by(net_amount, order_rank) as last_order_net_amount,
        max_by(order_id, order_rank) as last_order_id,
        max(sold_at) as last_sold_at
    from orders
    group by customer_id, business_date, store_id, channel

),

final as (

    select
        -- keys
        sums.customer_id,
        sums.business_date,
        sums.store_id,
        sums.channel,

        -- numbers
        cast(whole.order_count as integer) as order_count,
        cast(sums.item_count as bigint) as item_count,
        {{ money('sums.gross_amount') }} as gross_amount,
        {{ money('sums.net_amount') }} as net_amount,
        {{ money('sums.discount_amount') }} as discount_amount,
        {{ money('sums.list_amount') }} as list_amount,
        {{ money('whole.max_order_net_amount') }} as max_order_net_amount,
        {{ money('whole.last_order_net_amount') }} as last_order_net_amount,
        whole.last_order_id,

        -- times
        whole.last_sold_at

    from sums
    inner join whole using (customer_id, business_date, store_id, channel)

)

select * from final
