-- A row is a customer, or an address, that two campaigns of tonight would write to.

with

messages as (

    select * from {{ ref('campaign_messages') }}

)

select cast(customer_id as varchar) as who, count(*) as messages
from messages
group by customer_id
having count(*) > 1

union all

-- However the address is written: the key is the same for all spellings of a postal address.
select messages.campaign_id || messages.channel as who, count(*) as messages
from messages
inner join {{ ref('customer_identity') }} as identity using (customer_id)
group by
    messages.campaign_id,
    messages.channel,
    case when messages.channel = 'direct_mail' then identity.address_key else messages.address end
having count(*) > 1
