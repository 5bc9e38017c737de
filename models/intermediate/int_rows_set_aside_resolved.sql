{{ config(materialized='view') }}

with

rows_set_aside as (

    select * from {{ ref('stg_rows_set_aside') }}
    where {{ within_decided('batch_date', threshold('dq_flag_days')) }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

final as (

    select distinct
        coalesce(resolved.surviving_customer_id, rows_set_aside.customer_id) as customer_id,
        rows_set_aside.table_name,
        rows_set_aside.reason

    from rows_set_aside
    left join resolved using (customer_id)

)

select * from final
