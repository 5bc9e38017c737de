with

households as (

    select customer_id from {{ ref('int_households_latest') }}

),

lines as (

    select * from {{ ref('int_order_lines') }}

),

products as (

    select * from {{ ref('stg_products') }}

),

store_days as (

    select * from {{ ref('int_sales_by_customer_store_day') }}
    where business_date > {{ business_date() }} - 365

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
    where lines.business_date > {{ business_date() }} - 365
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
        {{ ratio('sum(net_amount * net_amount)', '(sum(net_amount) * sum(net_amount))') }} as category_concentration
    from category_sales
    group by customer_id

),

dearest_line as (

    -- The dearest line of the last order that has a category.
    select lines.customer_id, products.category
    from (
        select *
        from lines
        qualify dense_rank() over (partition by customer_id order by sold_at desc, order_id desc) = 1
    ) as lines
    inner join products using (product_id)
    where products.category is not null
    qualify row_number() over (
        partition by lines.customer_id order by lines.net_amount desc, lines.product_id asc
    ) = 1

),

stores as (

    select
        customer_id,
        store_id,
        sum(order_count) as order_count,
        count(distinct business_date) as day_count,
        max(business_date) as last_date
    from store_days
    group by customer_id, store_id

),

preferred_store as (

    select customer_id, store_id
    from stores
    qualify row_number() over (
        partition by customer_id order by order_count desc, last_date desc, store_id asc
    ) = 1

),

home_store as (

    select customer_id, store_id
    from stores
    qualify row_number() over (
        partition by customer_id order by day_count desc, last_date desc, store_id asc
    ) = 1

),

channels as (

    select
        customer_id,
        channel,
        sum(order_count) as order_count,
        max(business_date) as last_date
    from store_days
    group by customer_id, channel

),

preferred_channel as (

    select customer_id, channel
    from channels
    qualify row_number() over (
        partition by customer_id order by order_count desc, last_date desc, channel asc
    ) = 1

),

channel_mix as (

    select
        customer_id,
        {{ ratio("sum(case when channel = 'store' then order_count else 0 end)", 'sum(order_count)') }} as store_order_share,
        count(*) > 1 as is_omnichannel
    from channels
    group by customer_id

),

store_count as (

    select customer_id, cast(count(*) as integer) as stores_visited
    from stores
    group by customer_id

),

final as (

    select
        -- key
        households.customer_id,

        -- products
        top_department.department as top_department_365d,
        top_category.category as top_category_365d,
        top_brand.brand as top_brand_365d,
        dearest_line.category as last_category,
        concentration.category_concentration as category_concentration_365d,

        -- channels and stores
        preferred_channel.channel as purchase_channel_pref_365d,
        channel_mix.store_order_share as store_order_share_365d,
        coalesce(channel_mix.is_omnichannel, false) as is_omnichannel_365d,
        cast(preferred_store.store_id as varchar) as preferred_store_id_365d,
        cast(home_store.store_id as varchar) as home_store_id,
        coalesce(store_count.stores_visited, 0) as stores_visited_365d

    from households
    left join top_department using (customer_id)
    left join top_category using (customer_id)
    left join top_brand using (customer_id)
    left join dearest_line using (customer_id)
    left join concentration using (customer_id)
    left join preferred_channel using (customer_id)
    left join channel_mix using (customer_id)
    left join preferred_store using (customer_id)
    left join home_store using (customer_id)
    left join store_count using (customer_id)
    order by customer_id

)

select * from final
