with

identity as (

    select * from {{ ref('customer_identity') }}

),

consents as (

    select * from {{ ref('customer_consents') }}

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
        identity.email_norm is not null as email_deliverable,
        identity.phone_e164 is not null as sms_deliverable,
        identity.address_line is not null and identity.postal_code is not null as mail_deliverable
    from identity
    inner join consents using (customer_id)

),

contactable as (

    select
        *,
        may_be_written_to and allow_email and email_deliverable and is_main_email
            as contactable_email,
        may_be_written_to and allow_sms and sms_deliverable and is_main_phone
            as contactable_sms,
        may_be_written_to and allow_direct_mail and mail_deliverable and is_main_address
            as contactable_direct_mail
    from deliverable

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
