-- A row says that the view has not exactly the customers of the household master, which are its
-- records but for those closed or merged into another.

with

households as (

    select count(*) as customers, {{ sum_of_hashes('customer_id') }} as id_hash
    from {{ ref('int_households_latest') }}
    where
        deleted_at is null
        and customer_id not in (select customer_id from {{ ref('int_customers_resolved') }})

),

identity as (

    select count(*) as customers, {{ sum_of_hashes('customer_id') }} as id_hash
    from {{ ref('customer_identity') }}

)

select identity.customers as found, households.customers as expected
from identity
cross join households
where identity.customers <> households.customers or identity.id_hash <> households.id_hash
