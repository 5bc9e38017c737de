{#
    Thirds by exact histogram, as in rfm_cut_points: distinct values are counted and walked
    through.
#}

with

purchases as (

    select customer_id, avg_item_price_365d from {{ ref('customer_purchases') }}

),

affinity as (

    select customer_id, top_category_365d from {{ ref('customer_affinity') }}

),

histogram as (

    select
        affinity.top_category_365d as category,
        purchases.avg_item_price_365d as price,
        count(*) as customer_count
    from affinity
    inner join purchases using (customer_id)
    where affinity.top_category_365d is not null and purchases.avg_item_price_365d is not null
    group by affinity.top_category_365d, purchases.avg_item_price_365d

),

walked as (

    select
        category,
        price,
        sum(customer_count) over (partition by category order by price) as customers_to_here,
        sum(customer_count) over (partition by category) as customers
    from histogram

),

final as (

    select
        category,
        {{ money('min(case when customers_to_here * 3 >= customers then price end)') }} as cut_low,
        {{ money('min(case when customers_to_here * 3 >= customers * 2 then price end)') }}
            as cut_mid,
        cast(max(customers) as bigint) as customer_count
    from walked
    group by category

)

select * from final
