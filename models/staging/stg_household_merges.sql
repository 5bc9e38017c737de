with

source as (

    select * from {{ source('raw', 'household_merges') }}

),

final as (

    select
        household_id as customer_id,
        merged_into_household_id as merged_into_customer_id,
        merged_at,
        batch_date

    from source

)

select * from final
