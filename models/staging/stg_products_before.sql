with

source as (

    select * from {{ source('pinned', 'base_products') }}

),

final as (

    select
        product_id,
        department,
        category,
        brand

    from source

)

select * from final
