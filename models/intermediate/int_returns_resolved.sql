{{ config(materialized='view') }}

with

returned as (

    select * from {{ ref('int_returns_by_customer_day') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

final as (

    select
        -- keys
        coalesce(resolved.surviving_customer_id, returned.customer_id) as customer_id,
        returned.returned_date,
        returned.order_id,

        -- numbers
        returned.item_count,
        returned.refund_amount,

        -- lineage
        returned.batch_date

    from returned
    left join resolved using (customer_id)

)

select * from final
