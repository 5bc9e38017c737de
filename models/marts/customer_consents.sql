with

households as (

    select customer_id, country_code from {{ ref('int_households_resolved') }}

),

consents as (

    select
        *,
        case when is_opt_in then 1 else 0 end as answer
    from {{ ref('int_consents_resolved') }}

),

country_defaults as (

    select * from {{ ref('country_defaults') }}

),

by_customer as (

    select
        customer_id,
        max(case when channel = 'global' then answer end) as global_answer,
        max(case when channel = 'email' then answer end) as email_answer,
        max(case when channel = 'sms' then answer end) as sms_answer,
        max(case when channel = 'direct_mail' then answer end) as mail_answer,
        max(case when channel = 'push' then answer end) as push_answer,
        max(case when channel = 'email' and is_opt_in then event_at end) as email_opt_in_ts,
        max(case when channel = 'email' then last_opted_out_at end) as email_opt_out_ts,
        max(case when channel = 'sms' and is_opt_in then event_at end) as sms_opt_in_ts,
        max(event_at) as last_event_at
    from consents
    group by customer_id

),

latest as (

    -- Of answers at the same instant that of the first channel by name.
    select
        by_customer.customer_id,
        min_by(consents.capture_source, consents.channel) as capture_source
    from by_customer
    inner join consents
        on
            by_customer.customer_id = consents.customer_id
            and by_customer.last_event_at = consents.event_at
    group by by_customer.customer_id

),

final as (

    select
        -- key
        households.customer_id,

        -- flags: no event is no
        coalesce(by_customer.global_answer = 1, false) as opt_in_global,
        coalesce(by_customer.email_answer = 1, false) as allow_email,
        coalesce(by_customer.sms_answer = 1, false) as allow_sms,
        coalesce(by_customer.push_answer = 1, false) as allow_push,
        coalesce(
            by_customer.mail_answer = 1, country_defaults.allow_direct_mail, false
        ) as allow_direct_mail,

        -- times (utc)
        by_customer.email_opt_in_ts,
        by_customer.email_opt_out_ts,
        by_customer.sms_opt_in_ts,

        -- descriptive
        coalesce(latest.capture_source, 'unknown') as consent_capture_source

    from households
    left join by_customer using (customer_id)
    left join latest using (customer_id)
    left join country_defaults using (country_code)
    order by customer_id

)

select * from final
