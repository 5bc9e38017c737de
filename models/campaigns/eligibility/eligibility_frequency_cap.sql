{# Nobody gets more messages on a channel than the seed `contact_limits` allows. #}

with

candidates as (

    select * from {{ ref('campaign_candidates') }}

),

contacts as (

    select * from {{ ref('int_contacts_resolved') }}
    where not is_control

),

contact_limits as (

    select * from {{ ref('contact_limits') }}

),

received as (

    select
        contacts.customer_id,
        contacts.channel,
        contact_limits.window_days,
        contact_limits.most_messages,
        count(*) as message_count
    from contacts
    inner join contact_limits using (channel)
    where
        {{ business_date() }} - contacts.contact_date < contact_limits.window_days
        and contacts.contact_date <= {{ business_date() }}
    group by
        contacts.customer_id,
        contacts.channel,
        contact_limits.window_days,
        contact_limits.most_messages

),

final as (

    select
        candidates.campaign_id,
        candidates.customer_id,
        'frequency_cap' as rule,
        'has had ' || cast(received.message_count as varchar) || ' of '
        || cast(received.most_messages as varchar) || ' messages by '
        || replace(candidates.channel, '_', ' ') || ' in '
        || cast(received.window_days as varchar) || ' days' as reason

    from candidates
    inner join received using (customer_id, channel)
    where received.message_count >= received.most_messages

)

select * from final
