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

select campaign_id || channel as who, count(*) as messages
from messages
where channel <> 'direct_mail'
group by campaign_id, channel, address
having count(*) > 1
