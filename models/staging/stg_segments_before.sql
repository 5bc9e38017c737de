with

source as (

    select * from {{ source('pinned', 'base_segments') }}

),

final as (

    select
        customer_id,
        lifecycle_stage,
        micro_segment_id

    from source

)

select * from final
