with

source as (

    select * from {{ source('raw', 'transactions') }}

),

final as (

    select
        -- keys
        household_id as customer_id,
        basket_id as order_id,
        product_id,
        store_id,

        -- the tills know no other channel
        'store' as channel,

        -- numbers
        quantity as item_count,
        {{ money('sales_value') }} as gross_amount,
        -- at the time of sale: refunds are booked apart, on their own day
        {{ money('sales_value') }} as net_amount,
        {{ money('retail_disc + coupon_match_disc') }} as discount_amount,
        {{ money('sales_value + retail_disc + coupon_match_disc') }} as list_amount,

        -- times
        business_date,
        sold_at,

        -- lineage
        batch_date

    from source
    -- what counts as a purchase: CR-0005
    where (quantity <> 0 or sales_value <> 0)

)

select * from final
