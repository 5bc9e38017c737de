with

source as (

    select * from {{ source('raw', 'returns') }}

),

final as (

    select
        -- keys
        household_id as customer_id,
        basket_id as order_id,
        product_id,

        -- numbers
        quantity as item_count,
        {{ money('refund_amount') }} as refund_amount,

        -- times
        returned_on as returned_date,

        -- lineage
        batch_date

    from source

)

select * from final
