with

source as (

    select * from {{ source('raw', 'products') }}

),

final as (

    select
        product_id,
        department,
        product_category as category,
        product_type,
        brand,
        package_size

    from source

)

select * from final
