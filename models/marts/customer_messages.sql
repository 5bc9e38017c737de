{#
    Windows are by local day: `sent` of the delivery, `opened` and `clicked` of the first open or
    click of a message. The preferred channel is at the end: of those on which the customer is
    contactable the one with the highest rate of answers, (answered + w * base) / (sent + w), where
    base is the rate of all customers on the channel, and w a number from the seed.
#}

with

households as (

    select customer_id from {{ ref('int_households_resolved') }}

),

messages as (

    select
        *,
        {{ within_decided('event_date', threshold('response_days')) }} as counts_for_response,
        {{ within_decided('event_date', threshold('recipient_days')) }} as counts_for_status
    from {{ ref('int_messages_resolved') }}

),

answers as (

    select
        *,
        {{ within_decided('first_answered_date', threshold('response_days')) }}
            as counts_for_response
    from {{ ref('int_message_answers_resolved') }}

),

mailings as (

    -- The client's own, which carry coupons: of a letter of the hub nothing comes back.
    select * from {{ ref('int_contacts_resolved') }}
    where
        contact_source = 'client'
        and {{ within_decided('contact_date', threshold('response_days')) }}
        and contact_date <= {{ business_date() }}

),

redemptions as (

    select * from {{ ref('int_redemptions_resolved') }}

),

reachability as (

    select * from {{ ref('customer_reachability') }}

),

delivered as (

    -- Zero where the table has come and has nothing for the customer; null where it never has.
    select
        max(case when table_name = 'email_events' and was_ever_delivered then 0 end) as no_emails,
        max(case when table_name = 'sms_events' and was_ever_delivered then 0 end) as no_texts
    from {{ ref('stg_pinned_batches') }}

),

emails as (

    select
        customer_id,
        max(event_date) as last_email_sent_date,
        sum(case when {{ within('event_date', 30) }} then delivered_count else 0 end) as sent_30d,
        sum(case when {{ within('event_date', 90) }} then delivered_count else 0 end) as sent_90d,
        sum(case when counts_for_response then delivered_count else 0 end) as sent_for_response,
        sum(case when counts_for_status then delivered_count else 0 end) as sent_for_status
    from messages
    where channel = 'email' and delivered_count > 0
    group by customer_id

),

opens as (

    select
        customer_id,
        max(last_answered_date) as last_email_open_date,
        count_if({{ within('first_answered_date', 30) }}) as opened_30d,
        count_if({{ within('first_answered_date', 90) }}) as opened_90d
    from answers
    where answer = 'open'
    group by customer_id

),

clicks as (

    select
        customer_id,
        max(last_answered_date) as last_email_click_date,
        count_if({{ within('first_answered_date', 30) }}) as clicked_30d,
        count_if({{ within('first_answered_date', 90) }}) as clicked_90d,
        count_if(counts_for_response) as clicked_for_response
    from answers
    where answer = 'click'
    group by customer_id

),

hours as (

    select
        customer_id,
        first_answered_hour,
        count(*) as open_count,
        sum(count(*)) over (partition by customer_id) as all_open_count
    from answers
    where answer = 'open' and counts_for_response
    group by customer_id, first_answered_hour

),

best_hour as (

    select customer_id, first_answered_hour
    from hours
    where all_open_count >= {{ threshold('minimum_messages_opened') }}
    qualify row_number() over (
        partition by customer_id order by open_count desc, first_answered_hour asc
    ) = 1

),

texts as (

    select
        customer_id,
        sum(case when {{ within('event_date', 30) }} then delivered_count else 0 end) as sent_30d
    from messages
    where channel = 'sms'
    group by customer_id

),

answered as (

    select distinct
        customer_id,
        cast(client_campaign_id as varchar) as campaign_id,
        1 as mailings_answered
    from redemptions

),

letters as (

    -- A mailing is answered once, however many of its coupons come back.
    select
        mailings.customer_id,
        count(*) as sent_for_response,
        sum(coalesce(answered.mailings_answered, 0)) as answered_for_response
    from mailings
    left join answered using (customer_id, campaign_id)
    group by mailings.customer_id

),

responses as (

    select
        households.customer_id,
        coalesce(emails.sent_for_response, 0) as emails_sent,
        coalesce(clicks.clicked_for_response, 0) as emails_answered,
        coalesce(letters.sent_for_response, 0) as letters_sent,
        coalesce(letters.answered_for_response, 0) as letters_answered
    from households
    left join emails using (customer_id)
    left join clicks using (customer_id)
    left join letters using (customer_id)

),

base as (

    -- One row: the rate of all customers, and how many messages at it each is given on top.
    select
        coalesce({{ ratio('sum(emails_answered)', 'sum(emails_sent)', 6) }}, 0) as email_rate,
        coalesce({{ ratio('sum(letters_answered)', 'sum(letters_sent)', 6) }}, 0) as letter_rate,
        {{ threshold('response_base_weight') }} as weight
    from responses

),

rated as (

    select
        responses.customer_id,
        {{ ratio(
            '(emails_answered + base.weight * base.email_rate)', '(emails_sent + base.weight)', 6
        ) }} as email_rate,
        {{ ratio(
            '(letters_answered + base.weight * base.letter_rate)', '(letters_sent + base.weight)', 6
        ) }} as letter_rate
    from responses
    cross join base

),

preferred as (

    -- Of a text no answer is ever known: it comes last, wherever there is another channel.
    select
        reachability.customer_id,
        case
            when
                reachability.contactable_email
                and (
                    not reachability.contactable_direct_mail
                    or rated.email_rate >= rated.letter_rate
                )
                then 'email'
            when reachability.contactable_direct_mail then 'direct_mail'
            when reachability.contactable_sms then 'sms'
        end as channel
    from reachability
    inner join rated using (customer_id)

),

final as (

    select
        -- key
        households.customer_id,

        -- e-mail
        cast(coalesce(emails.sent_30d, delivered.no_emails) as integer) as email_sent_30d,
        cast(coalesce(opens.opened_30d, delivered.no_emails) as integer) as email_opens_30d,
        cast(coalesce(clicks.clicked_30d, delivered.no_emails) as integer) as email_clicks_30d,
        case
            when emails.sent_90d >= {{ threshold('minimum_messages_sent') }}
                then
                    {{ ratio(
                        'least(coalesce(opens.opened_90d, 0), emails.sent_90d)', 'emails.sent_90d'
                    ) }}
        end as email_open_rate_90d,
        case
            when emails.sent_90d >= {{ threshold('minimum_messages_sent') }}
                then
                    {{ ratio(
                        'least(coalesce(clicks.clicked_90d, 0), emails.sent_90d)', 'emails.sent_90d'
                    ) }}
        end as email_click_rate_90d,
        emails.last_email_sent_date,
        opens.last_email_open_date,
        clicks.last_email_click_date,
        case
            when coalesce(emails.sent_for_status, 0) = 0 then 'non_recipient'
            when emails.sent_for_status < {{ threshold('minimum_messages_sent') }} then 'new'
            when
                {{ within_decided('last_email_open_date', threshold('engagement_days')) }}
                or {{ within_decided('last_email_click_date', threshold('engagement_days')) }}
                then 'active'
            else 'inactive'
        end as email_engagement_status,
        best_hour.first_answered_hour as best_send_hour_local,

        -- text messages
        cast(coalesce(texts.sent_30d, delivered.no_texts) as integer) as sms_sent_30d,

        -- channel
        preferred.channel as contact_channel_pref

    from households
    left join emails using (customer_id)
    left join opens using (customer_id)
    left join clicks using (customer_id)
    left join best_hour using (customer_id)
    left join texts using (customer_id)
    left join preferred using (customer_id)
    cross join delivered
    order by customer_id

)

select * from final
