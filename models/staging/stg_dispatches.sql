with

source as (

    select * from {{ source('raw', 'dispatches') }}

),

final as (

    select
        customer_id,
        campaign_id,
        channel,
        is_control,
        occurrence_date,
        batch_date

    from source

)

select * from final
