{% set addresses = [
    ('email_norm', 'allow_email'),
    ('phone_e164', 'allow_sms'),
    ('address_key', 'allow_direct_mail'),
] %}

with

households as (

    select * from {{ ref('int_households_resolved') }}

),

consents as (

    select * from {{ ref('customer_consents') }}

),

purchases as (

    select customer_id, last_order_date, buys_like_a_reseller from {{ ref('customer_purchases') }}

),

candidates as (

    select
        households.*,
        consents.opt_in_global and not households.is_test and not households.is_blocked
            as may_be_written_to,
        consents.allow_email,
        consents.allow_sms,
        consents.allow_direct_mail,
        coalesce(purchases.last_order_date, date '1900-01-01') as last_order_date,
        coalesce(purchases.buys_like_a_reseller, false) as buys_like_a_reseller
    from households
    inner join consents using (customer_id)
    inner join purchases using (customer_id)

),

ranked as (

    -- Of all records with one address, which is the main one: one that may be written to there,
    -- then the latest order, then the latest registration, then the lowest id. A record without
    -- the address has no rank.
    select
        {% for address, allowed in addresses %}
        case
            when {{ address }} is not null
                then row_number() over (
                    partition by {{ address }}
                    order by
                        case when may_be_written_to and {{ allowed }} then 0 else 1 end asc,
                        last_order_date desc,
                        registration_date desc,
                        customer_id asc
                )
        end as {{ address }}_rank,
        {% endfor %}
        *
    from candidates

),

keyed as (

    select
        *,
        {{ customer_surrogate('oldest_record_id') }} as scv_customer_id
    from ranked

),

final as (

    select
        -- keys
        customer_id,
        scv_customer_id,
        client_customer_id,
        {{ surrogate_key('H', "address_key || '|' || lower(last_name)") }} as household_id,

        -- contact
        first_name,
        last_name,
        email_norm,
        phone_e164,
        address_line,
        city,
        postal_code,
        address_key,

        -- flags
        coalesce(email_norm_rank = 1, false) as is_main_email,
        coalesce(phone_e164_rank = 1, false) as is_main_phone,
        coalesce(address_key_rank = 1, false) as is_main_address,
        is_test,
        is_blocked,
        is_employee or buys_like_a_reseller as is_employee_or_reseller,

        -- numbers
        source_record_count,
        {{ hash_bucket("'scv' || scv_customer_id", 1000) }} as control_bucket,

        -- times
        registration_date,
        updated_at as record_updated_at

    from keyed
    order by customer_id

)

select * from final
