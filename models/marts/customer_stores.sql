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

store_days as (

    select * from {{ ref('int_sales_resolved') }}
    where {{ within('business_date', 365) }}
    {% if carries_on('transactions', 365) %}
        and customer_id in (select customer_id from households)
    {% endif %}

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
        {{ ratio(
            "sum(case when channel = 'store' then order_count else 0 end)", 'sum(order_count)'
        ) }} as store_order_share,
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

        -- channels
        preferred_channel.channel as purchase_channel_pref_365d,
        channel_mix.store_order_share as store_order_share_365d,
        coalesce(channel_mix.is_omnichannel, false) as is_omnichannel_365d,

        -- stores
        cast(preferred_store.store_id as varchar) as preferred_store_id_365d,
        cast(home_store.store_id as varchar) as home_store_id,
        coalesce(store_count.stores_visited, 0) as stores_visited_365d

    from households
    left join preferred_channel using (customer_id)
    left join channel_mix using (customer_id)
    left join preferred_store using (customer_id)
    left join home_store using (customer_id)
    left join store_count using (customer_id)
    order by customer_id

)

select * from final
