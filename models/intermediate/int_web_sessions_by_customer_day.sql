{{ config(
    materialized='incremental',
    unique_key='batch_date',
    pre_hook="{{ forget_replaced('web_sessions') }}",
) }}

with

web_sessions as (

    select * from {{ ref('stg_web_sessions') }}
    where {{ new_batches('web_sessions') }}

),

last_views as (

    -- Of two visits at the same instant the category that is first by name.
    select customer_id, visit_date, batch_date, last_viewed_category, started_at
    from web_sessions
    where last_viewed_category is not null
    qualify row_number() over (
        partition by customer_id, visit_date, batch_date
        order by started_at desc, last_viewed_category asc
    ) = 1

),

days as (

    select
        customer_id,
        visit_date,
        batch_date,
        count(*) as session_count,
        sum(product_view_count) as product_view_count
    from web_sessions
    group by customer_id, visit_date, batch_date

),

final as (

    select
        -- keys
        days.customer_id,
        days.visit_date,

        -- numbers
        cast(days.session_count as integer) as session_count,
        cast(days.product_view_count as integer) as product_view_count,

        -- last view
        last_views.last_viewed_category,
        last_views.started_at as last_viewed_at,

        -- lineage
        days.batch_date

    from days
    left join last_views using (customer_id, visit_date, batch_date)
    order by days.customer_id

)

select * from final
