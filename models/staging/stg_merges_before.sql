with

source as (

    select * from {{ source('pinned', 'base_merges') }}

),

final as (

    select
        customer_id,
        surviving_customer_id

    from source

)

select * from final
