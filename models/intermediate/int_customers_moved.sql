{{ config(materialized='view') }}

with

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

merges_before as (

    select * from {{ ref('stg_merges_before') }}

),

moves as (

    select
        coalesce(resolved.customer_id, merges_before.customer_id) as record_id,
        resolved.surviving_customer_id as customer_now,
        merges_before.surviving_customer_id as customer_before
    from resolved
    full join merges_before using (customer_id)
    where
        coalesce(resolved.surviving_customer_id, -1)
        <> coalesce(merges_before.surviving_customer_id, -1)

),

touched as (

    select record_id as customer_id from moves
    union
    select customer_now as customer_id from moves
    union
    select customer_before as customer_id from moves

),

final as (

    select customer_id from touched
    where customer_id is not null

)

select * from final
