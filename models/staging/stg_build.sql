with

source as (

    select * from {{ source('pinned', 'build') }}

),

final as (

    select
        build_id,
        business_date,
        code_version,
        base_build_id

    from source

)

select * from final
