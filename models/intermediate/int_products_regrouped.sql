{{ config(materialized='view') }}

with

products as (

    select product_id, department, category, brand from {{ ref('int_products') }}

),

products_before as (

    select product_id, department, category, brand from {{ ref('stg_products_before') }}

),

changed as (

    (
        select * from products
        except
        select * from products_before
    )
    union all
    (
        select * from products_before
        except
        select * from products
    )

),

final as (

    select distinct product_id from changed

)

select * from final
