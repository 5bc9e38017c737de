-- A row is a chosen customer who may not be written to on the campaign's channel, or a message
-- without an address.

select messages.campaign_id, messages.customer_id
from {{ ref('campaign_messages') }} as messages
inner join {{ ref('customer_reachability') }} as customers using (customer_id)
where
    messages.address is null
    or not case messages.channel
        when 'email' then customers.contactable_email
        when 'sms' then customers.contactable_sms
        when 'direct_mail' then customers.contactable_direct_mail
        else false
    end
