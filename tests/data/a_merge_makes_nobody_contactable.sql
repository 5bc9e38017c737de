-- A row is a customer who may be written to on a channel although a record merged into it said no
-- last, and the customer has not said yes since both that no and the merge. There must be none.

{% set channels = ['email', 'sms', 'direct_mail'] %}

with

answers as (

    select * from {{ ref('int_consents_latest') }}

),

noes as (

    select
        resolved.surviving_customer_id as customer_id,
        answers.channel,
        greatest(answers.event_at, resolved.merged_at) as counts_until
    from answers
    inner join {{ ref('int_customers_resolved') }} as resolved using (customer_id)
    where not answers.is_opt_in

),

standing as (

    select noes.customer_id, noes.channel
    from noes
    left join answers
        on
            noes.customer_id = answers.customer_id
            and noes.channel = answers.channel
            and answers.is_opt_in
            and noes.counts_until < answers.event_at
    where answers.customer_id is null

)

{% for channel in channels %}
select reachability.customer_id, '{{ channel }}' as channel
from {{ ref('customer_reachability') }} as reachability
inner join standing using (customer_id)
where reachability.contactable_{{ channel }} and standing.channel in ('{{ channel }}', 'global')
{% if not loop.last %}union all{% endif %}
{% endfor %}
