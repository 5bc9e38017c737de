with

source as (

    select * from {{ source('pinned', 'batches') }}

),

final as (

    select
        table_name,
        state,
        as_of_date,
        is_stale,
        is_consent,
        as_of_date is not null as was_ever_delivered

    from source

)

select * from final
