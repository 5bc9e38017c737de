-- A row is a customer who may be written to on a channel for which the latest event is not a yes,
-- or without a yes to marketing as a whole. There must be none, ever.

{% set channels = ['email', 'sms', 'direct_mail'] %}

with

reachability as (

    select * from {{ ref('customer_reachability') }}

),

consents as (

    select * from {{ ref('int_consents_latest') }}
    where is_opt_in

),

yes_to_all as (

    select customer_id from consents
    where channel = 'global'

)

{% for channel in channels %}
select reachability.customer_id, '{{ channel }}' as channel
from reachability
left join consents on reachability.customer_id = consents.customer_id and consents.channel = '{{ channel }}'
left join yes_to_all on reachability.customer_id = yes_to_all.customer_id
where
    reachability.contactable_{{ channel }}
    and (consents.customer_id is null or yes_to_all.customer_id is null)
{% if not loop.last %}union all{% endif %}
{% endfor %}
