{{ config(materialized='view') }}

with

redemptions as (

    select * from {{ ref('int_redemptions_by_customer_day') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

final as (

    select
        -- keys
        coalesce(resolved.surviving_customer_id, redemptions.customer_id) as customer_id,
        redemptions.redemption_date,
        redemptions.client_campaign_id,

        -- numbers
        redemptions.redemption_count,

        -- lineage
        redemptions.batch_date

    from redemptions
    left join resolved using (customer_id)

)

select * from final
