-- A row is an address with no main record or with several: it would get no message, or two.

with

identity as (

    select * from {{ ref('customer_identity') }}

)

select email_norm as address, count_if(is_main_email) as main_records
from identity
where email_norm is not null
group by email_norm
having count_if(is_main_email) <> 1

union all

select phone_e164 as address, count_if(is_main_phone) as main_records
from identity
where phone_e164 is not null
group by phone_e164
having count_if(is_main_phone) <> 1

union all

select address_key as address, count_if(is_main_address) as main_records
from identity
where address_key is not null
group by address_key
having count_if(is_main_address) <> 1
