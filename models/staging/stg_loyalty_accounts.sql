with

source as (

    select * from {{ source('raw', 'loyalty_accounts') }}

),

final as (

    select
        -- keys
        loyalty_id,
        household_id as customer_id,

        -- descriptive
        lower(trim(tier)) as loyalty_tier,

        -- flags
        status = 'open' as is_open,

        -- times
        cast(enrolled_at as date) as enrol_date,
        tier_expiry as tier_expiry_date,
        updated_at,

        -- lineage
        batch_date

    from source

)

select * from final
