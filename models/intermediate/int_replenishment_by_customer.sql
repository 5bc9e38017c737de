{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_touched('transactions', 365) }}",
) }}

{#
    Only lines of replenishable products are looked at, and gaps are taken of one product a
    customer.
#}

with

lines as (

    select customer_id, product_id, business_date from {{ ref('int_order_lines_resolved') }}
    where item_count > 0 and {{ within('business_date', 365) }}
    {% if carries_on('transactions', 365) %}
        and customer_id in ({{ customers_touched(365) }})
    {% endif %}

),

products as (

    select product_id, category from {{ ref('int_products') }}

),

replenishable_categories as (

    select category from {{ ref('replenishable_categories') }}

),

replenishable as (

    select products.product_id
    from products
    inner join replenishable_categories using (category)

),

buying_days as (

    select lines.customer_id, lines.product_id, lines.business_date
    from lines
    inner join replenishable using (product_id)
    group by lines.customer_id, lines.product_id, lines.business_date

),

top_products as (

    select
        customer_id,
        product_id,
        max(business_date) as last_date
    from buying_days
    group by customer_id, product_id
    having count(*) >= {{ threshold('minimum_days_for_replenishment') }}
    qualify row_number() over (
        partition by customer_id order by count(*) desc, max(business_date) desc, product_id asc
    ) = 1

),

gaps as (

    select
        buying_days.customer_id,
        buying_days.business_date - lag(buying_days.business_date) over (
            partition by buying_days.customer_id order by buying_days.business_date
        ) as gap_days
    from buying_days
    inner join top_products using (customer_id, product_id)

),

usual_gaps as (

    -- Of an even number of gaps the median lies between two: half a day is rounded up.
    select customer_id, cast(ceil(median(gap_days)) as integer) as gap_days
    from gaps
    group by customer_id

),

final as (

    select
        -- keys
        top_products.customer_id,
        top_products.product_id,

        -- numbers
        usual_gaps.gap_days,

        -- times
        top_products.last_date as last_bought_date,
        {{ plus_days('top_products.last_date', 'usual_gaps.gap_days') }}
            as replenishment_due_date

    from top_products
    inner join usual_gaps using (customer_id)
    order by customer_id

)

select * from final
