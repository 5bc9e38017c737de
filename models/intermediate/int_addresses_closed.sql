{{ config(materialized='view') }}

with

households as (

    select * from {{ ref('int_households_latest') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

closed as (

    -- A duplicate that was closed when it was merged lives on in the customer it belongs to.
    select
        households.email_norm,
        households.phone_e164,
        survivors.deleted_at
    from households
    left join resolved using (customer_id)
    inner join
        households as survivors
        on coalesce(resolved.surviving_customer_id, households.customer_id) = survivors.customer_id
    where survivors.deleted_at is not null

),

addresses as (

    select email_norm as address, deleted_at from closed
    union all
    select phone_e164 as address, deleted_at from closed

),

final as (

    select
        address,
        max(deleted_at) as closed_at

    from addresses
    where address is not null
    group by address

)

select * from final
