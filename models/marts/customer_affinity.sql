{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_touched_or_gone('transactions', 365) }}",
) }}

with

households as (

    select customer_id from {{ ref('int_households_resolved') }}
    {% if carries_on('transactions', 365) %}
    where customer_id not in (select customer_id from {{ itself() }})
    {% endif %}

),

lines as (

    select * from {{ ref('int_order_lines_resolved') }}
    {% if carries_on('transactions', 365) %}
    where customer_id in (select customer_id from households)
    {% endif %}

),

products as (

    select * from {{ ref('int_products') }}

),

history as (

    select customer_id, last_order_date, last_order_id from {{ ref('int_purchase_history') }}

),

replenishment as (

    select * from {{ ref('int_replenishment_by_customer') }}

),

bought as (

    -- What was bought in a year, by the product's present grouping.
    select
        lines.customer_id,
        products.department,
        products.category,
        products.brand,
        sum(lines.net_amount) as net_amount,
        max(lines.business_date) as last_date
    from lines
    inner join products using (product_id)
    where {{ within('lines.business_date', 365) }}
    group by lines.customer_id, products.department, products.category, products.brand

),

{% for level in ['department', 'category', 'brand'] %}
{{ level }}_sales as (

    select customer_id, {{ level }}, sum(net_amount) as net_amount, max(last_date) as last_date
    from bought
    where {{ level }} is not null
    group by customer_id, {{ level }}
    having sum(net_amount) > 0

),

top_{{ level }} as (

    select customer_id, {{ level }}
    from {{ level }}_sales
    qualify row_number() over (
        partition by customer_id order by net_amount desc, last_date desc, {{ level }} asc
    ) = 1

),

{% endfor %}
concentration as (

    select
        customer_id,
        {{ ratio(
            'sum(net_amount * net_amount)', '(sum(net_amount) * sum(net_amount))'
        ) }} as category_concentration
    from category_sales
    group by customer_id

),

dearest_line as (

    -- The dearest line of the last order that has a category.
    select lines.customer_id, products.category
    from lines
    inner join history
        on
            lines.customer_id = history.customer_id
            and lines.business_date = history.last_order_date
            and lines.order_id = history.last_order_id
    inner join products using (product_id)
    where products.category is not null
    qualify row_number() over (
        partition by lines.customer_id order by lines.net_amount desc, lines.product_id asc
    ) = 1

),

final as (

    select
        -- key
        households.customer_id,

        -- descriptive
        top_department.department as top_department_365d,
        top_category.category as top_category_365d,
        top_brand.brand as top_brand_365d,
        dearest_line.category as last_category,

        -- numbers
        concentration.category_concentration as category_concentration_365d,

        -- times
        replenishment.replenishment_due_date

    from households
    left join top_department using (customer_id)
    left join top_category using (customer_id)
    left join top_brand using (customer_id)
    left join dearest_line using (customer_id)
    left join concentration using (customer_id)
    left join replenishment using (customer_id)
    order by customer_id

)

select * from final
