with

households as (

    select customer_id from {{ ref('int_households_resolved') }}

),

web_sessions as (

    select * from {{ ref('int_web_sessions_resolved') }}

),

carts_abandoned as (

    select * from {{ ref('int_carts_abandoned') }}

),

delivered as (

    -- Zero where visits have been reported and the customer has none; null where they never were.
    select max(case when table_name = 'web_sessions' and was_ever_delivered then 0 end) as no_visits
    from {{ ref('stg_pinned_batches') }}

),

visits as (

    select
        customer_id,
        max(visit_date) as last_web_visit_date,
        max(case when last_viewed_category is not null then last_viewed_at end) as last_viewed_at,
        sum(case when {{ within('visit_date', 30) }} then session_count else 0 end)
            as web_sessions_30d,
        sum(case when {{ within('visit_date', 30) }} then product_view_count else 0 end)
            as product_views_30d
    from web_sessions
    group by customer_id

),

last_views as (

    -- Of two at the same instant the first by name.
    select web_sessions.customer_id, min(web_sessions.last_viewed_category) as last_viewed_category
    from web_sessions
    inner join visits
        on
            web_sessions.customer_id = visits.customer_id
            and web_sessions.last_viewed_at = visits.last_viewed_at
    group by web_sessions.customer_id

),

carts as (

    select customer_id, sum(cart_count) as carts_abandoned_7d
    from carts_abandoned
    group by customer_id

),

cr_0003 as (

    -- Product pages per visit
    select
        customer_id,
        round(sum(product_view_count) / nullif(sum(session_count), 0), 2)
            as product_views_per_visit_30d
    from web_sessions
    where {{ within('visit_date', 30) }}
    group by customer_id

),

final as (

    select
        -- key
        households.customer_id,

        -- visits
        cast(coalesce(visits.web_sessions_30d, delivered.no_visits) as integer) as web_sessions_30d,
        cast(coalesce(visits.product_views_30d, delivered.no_visits) as integer)
            as product_views_30d,
        cast(coalesce(carts.carts_abandoned_7d, delivered.no_visits) as integer)
            as carts_abandoned_7d,
        visits.last_web_visit_date,
        last_views.last_viewed_category,

        -- Product pages per visit, CR-0003
        cast(cr_0003.product_views_per_visit_30d as decimal(10, 2)) as product_views_per_visit_30d

    from households
    left join visits using (customer_id)
    left join last_views using (customer_id)
    left join carts using (customer_id)
    left join cr_0003 using (customer_id)
    cross join delivered
    order by customer_id

)

select * from final
