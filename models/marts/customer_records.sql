{{ config(materialized='view') }}

with

households as (

    select * from {{ ref('int_households_latest') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

merged as (

    select * from {{ ref('int_customers_merged') }}

),

records as (

    select
        households.customer_id as record_id,
        households.client_customer_id,
        coalesce(resolved.surviving_customer_id, households.customer_id) as customer_id,
        households.registration_date,
        resolved.merged_at
    from households
    left join resolved using (customer_id)

),

keyed as (

    select
        records.*,
        {{ customer_surrogate('records.record_id') }} as record_scv_customer_id,
        {{ customer_surrogate('coalesce(merged.oldest_record_id, records.customer_id)') }}
            as scv_customer_id
    from records
    left join merged using (customer_id)

),

final as (

    select
        -- keys
        keyed.client_customer_id,
        keyed.record_scv_customer_id,
        keyed.scv_customer_id,
        case
            when keyed.record_scv_customer_id <> keyed.scv_customer_id then keyed.scv_customer_id
        end as merged_into_scv_customer_id,
        keyed.customer_id,

        -- descriptive
        case
            when survivors.deleted_at is not null then 'closed'
            when keyed.record_id <> keyed.customer_id then 'merged'
            else 'customer'
        end as record_status,

        -- times
        keyed.registration_date,
        keyed.merged_at,
        survivors.deleted_at as closed_at

    from keyed
    -- a closed record takes those merged into it along
    inner join households as survivors using (customer_id)

)

select * from final
