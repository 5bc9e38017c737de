{{ config(materialized='view') }}

with

web_sessions as (

    select * from {{ ref('int_web_sessions_by_customer_day') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

final as (

    select
        -- keys
        coalesce(resolved.surviving_customer_id, web_sessions.customer_id) as customer_id,
        web_sessions.visit_date,

        -- numbers
        web_sessions.session_count,
        web_sessions.product_view_count,

        -- last view
        web_sessions.last_viewed_category,
        web_sessions.last_viewed_at

    from web_sessions
    left join resolved using (customer_id)

)

select * from final
