with

source as (

    select * from {{ source('pinned', 'set_aside') }}

),

final as (

    select
        table_name,
        batch_date,
        customer_id,
        reason

    from source

)

select * from final
