with

source as (

    select * from {{ source('raw', 'web_sessions') }}

),

final as (

    select
        -- keys
        session_id,
        household_id as customer_id,
        basket_id as order_id,

        -- descriptive
        device,
        last_category as last_viewed_category,

        -- numbers
        coalesce(page_views, 0) as page_view_count,
        coalesce(products_viewed, 0) as product_view_count,
        coalesce(carts, 0) as cart_count,
        {{ money('cart_value') }} as cart_amount,

        -- times
        {{ local_date('started_at') }} as visit_date,
        started_at,

        -- lineage
        batch_date

    from source
    -- a visit of nobody that is known is no customer's
    where household_id is not null

)

select * from final
