{{ config(materialized='view') }}

with

accounts as (

    select * from {{ ref('int_loyalty_accounts_latest') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

final as (

    select
        -- keys
        accounts.loyalty_id,
        coalesce(resolved.surviving_customer_id, accounts.customer_id) as customer_id,

        -- descriptive
        accounts.loyalty_tier,

        -- flags
        accounts.is_open,

        -- times
        accounts.enrol_date,
        accounts.tier_expiry_date

    from accounts
    left join resolved using (customer_id)

)

select * from final
