{{ config(materialized='view') }}

{#
    A cart is abandoned when its customer orders nothing in the 24 hours from the visit on. A cart
    of the business date itself is not decided yet. What came with a delivery is dated no later than
    it, so that older deliveries than the window are not opened.
#}

with

visits as (

    select * from {{ ref('stg_web_sessions') }}
    where
        cart_count > 0
        and order_id is null
        and {{ within('batch_date', 7) }}
        and {{ within('visit_date', 7) }}
        and visit_date < {{ business_date() }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

orders as (

    select distinct customer_id, sold_at
    from {{ ref('int_order_lines_resolved') }}
    where {{ within('business_date', 8) }}

),

carts as (

    select
        coalesce(resolved.surviving_customer_id, visits.customer_id) as customer_id,
        visits.session_id,
        visits.cart_count,
        visits.started_at
    from visits
    left join resolved using (customer_id)

),

final as (

    select
        -- keys
        customer_id,
        session_id,

        -- numbers
        cart_count,

        -- times
        started_at

    from carts
    where not exists (
        select 1 from orders
        where
            orders.customer_id = carts.customer_id
            and orders.sold_at >= carts.started_at
            and orders.sold_at <= {{ dbt.dateadd('hour', 24, 'carts.started_at') }}
    )

)

select * from final
