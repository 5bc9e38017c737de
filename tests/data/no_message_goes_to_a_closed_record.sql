-- A row is a message to a record that the client closed, or to its e-mail address or telephone
-- without a yes given after that.

with

messages as (

    select * from {{ ref('campaign_messages') }}

),

closed as (

    select * from {{ ref('int_households_latest') }}
    where deleted_at is not null

),

consents as (

    select * from {{ ref('customer_consents') }}

)

select messages.customer_id, messages.campaign_id
from messages
inner join closed using (customer_id)

union all

select messages.customer_id, messages.campaign_id
from messages
inner join {{ ref('int_addresses_closed') }} as closed using (address)
inner join consents using (customer_id)
where
    closed.closed_at
    >= case messages.channel when 'email' then consents.email_opt_in_ts else consents.sms_opt_in_ts end
