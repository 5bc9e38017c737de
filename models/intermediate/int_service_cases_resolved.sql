{{ config(materialized='view') }}

with

cases as (

    select * from {{ ref('int_service_cases_latest') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

final as (

    select
        -- keys
        cases.case_id,
        coalesce(resolved.surviving_customer_id, cases.customer_id) as customer_id,

        -- flags
        cases.is_open,

        -- times
        cases.opened_date

    from cases
    left join resolved using (customer_id)

)

select * from final
