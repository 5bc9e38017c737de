with

products as (

    select * from {{ ref('stg_products') }}

),

final as (

    select
        product_id,
        department,
        category,
        product_type,
        brand,
        package_size

    from products

)

select * from final
