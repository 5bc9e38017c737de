with

identity as (

    select * from {{ ref('customer_identity') }}

),

consents as (

    select * from {{ ref('customer_consents') }}

),

closed as (

    select * from {{ ref('int_addresses_closed') }}

),

failed_emails as (

    select
        address,
        last_complaint_date,
        {{ within_decided('last_failed_date', threshold('deliverability_days')) }} as is_recent
    from {{ ref('int_addresses_undeliverable') }}
    where channel = 'email'

),

failed_phones as (

    select
        address,
        last_complaint_date,
        {{ within_decided('last_failed_date', threshold('deliverability_days')) }} as is_recent
    from {{ ref('int_addresses_undeliverable') }}
    where channel = 'sms'

),

complainers as (

    -- Whoever complained under any record is not written to under any address.
    select customer_id, max(event_date) as last_complaint_date
    from {{ ref('int_messages_resolved') }}
    where channel = 'email' and complaint_count > 0
    group by customer_id

),

contactable_before as (

    select * from {{ ref('stg_contactable_before') }}

),

consent_source as (

    select coalesce(max(case when is_consent and is_stale then 1 else 0 end), 0) = 1 as is_stale
    from {{ ref('stg_pinned_batches') }}

),

deliverable as (

    select
        identity.customer_id,
        identity.is_test,
        identity.is_blocked,
        identity.is_main_email,
        identity.is_main_phone,
        identity.is_main_address,
        consents.opt_in_global,
        consents.opt_in_global and not identity.is_test and not identity.is_blocked
            as may_be_written_to,
        consents.allow_email,
        consents.allow_sms,
        consents.allow_direct_mail,
        -- Of a record that was closed: only whoever agreed since then is written to there.
        coalesce(closed_emails.closed_at >= consents.email_opt_in_ts, false) as is_closed_email,
        coalesce(closed_phones.closed_at >= consents.sms_opt_in_ts, false) as is_closed_phone,
        identity.email_norm is not null
        and failed_emails.last_complaint_date is null
        and complainers.last_complaint_date is null
        and not coalesce(failed_emails.is_recent, false) as email_deliverable,
        identity.phone_e164 is not null
        and not coalesce(failed_phones.is_recent, false) as sms_deliverable,
        identity.address_line is not null and identity.postal_code is not null as mail_deliverable
    from identity
    inner join consents using (customer_id)
    left join closed as closed_emails on identity.email_norm = closed_emails.address
    left join closed as closed_phones on identity.phone_e164 = closed_phones.address
    left join failed_emails on identity.email_norm = failed_emails.address
    left join failed_phones on identity.phone_e164 = failed_phones.address
    left join complainers on identity.customer_id = complainers.customer_id

),

agreed as (

    select
        *,
        may_be_written_to and allow_email and email_deliverable and is_main_email
        and not is_closed_email as agreed_email,
        may_be_written_to and allow_sms and sms_deliverable and is_main_phone
        and not is_closed_phone as agreed_sms,
        may_be_written_to and allow_direct_mail and mail_deliverable and is_main_address
            as agreed_direct_mail
    from deliverable

),

contactable as (

    -- On stale consents a no still counts, and nobody turns contactable who was not.
    select
        {% for channel in ['email', 'sms', 'direct_mail'] %}
        agreed.agreed_{{ channel }} and (
            not consent_source.is_stale
            or coalesce(contactable_before.contactable_{{ channel }}, false)
        ) as contactable_{{ channel }},
        {% endfor %}
        agreed.*
    from agreed
    left join contactable_before using (customer_id)
    cross join consent_source

),

final as (

    select
        -- key
        customer_id,

        -- flags
        email_deliverable,
        sms_deliverable,
        mail_deliverable,
        contactable_email,
        contactable_sms,
        contactable_direct_mail,
        contactable_email or contactable_sms or contactable_direct_mail as contactable_any,

        -- descriptive
        case
            when contactable_email or contactable_sms or contactable_direct_mail then null
            when agreed_email or agreed_sms or agreed_direct_mail then 'consents are stale'
            when is_test then 'test record'
            when is_blocked then 'blocked by the client'
            when not opt_in_global then 'no marketing consent'
            when
                not (allow_email or allow_sms or allow_direct_mail)
                then 'no consent for any channel'
            when
                not (
                    (allow_email and email_deliverable)
                    or (allow_sms and sms_deliverable)
                    or (allow_direct_mail and mail_deliverable)
                )
                then 'no deliverable address'
            when
                not (
                    (allow_email and email_deliverable and not is_closed_email)
                    or (allow_sms and sms_deliverable and not is_closed_phone)
                    or (allow_direct_mail and mail_deliverable)
                )
                then 'address of a closed record'
            else 'not the main record of its address'
        end as suppression_reason,
        case
            when contactable_email then 'email'
            when contactable_sms then 'sms'
            when contactable_direct_mail then 'direct_mail'
            else 'none'
        end as first_contact_channel

    from contactable
    order by customer_id

)

select * from final
