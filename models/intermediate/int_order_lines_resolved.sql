{{ config(materialized='view') }}

with

lines as (

    select * from {{ ref('int_order_lines') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

final as (

    select
        -- keys
        coalesce(resolved.surviving_customer_id, lines.customer_id) as customer_id,
        lines.order_id,
        lines.product_id,
        lines.store_id,
        lines.channel,

        -- numbers
        lines.item_count,
        lines.net_amount,

        -- times
        lines.business_date,
        lines.sold_at,

        -- lineage
        lines.batch_date

    from lines
    left join resolved using (customer_id)

)

select * from final
