with

source as (

    select * from {{ source('raw', 'campaign_mailings') }}

),

final as (

    select
        household_id as customer_id,
        campaign_id as client_campaign_id,
        campaign_type,
        mailed_date,
        valid_until,
        batch_date

    from source

)

select * from final
