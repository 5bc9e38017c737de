with

source as (

    select * from {{ source('raw', 'loyalty_ledger') }}

),

final as (

    select
        -- key
        loyalty_id,

        -- numbers
        greatest(points, 0) as points_credited,
        greatest(-points, 0) as points_debited,
        case when type = 'redeem' then greatest(-points, 0) else 0 end as points_redeemed,

        -- times
        cast(event_at as date) as event_date,
        expires_on as expiry_date,

        -- lineage
        batch_date

    from source

)

select * from final
