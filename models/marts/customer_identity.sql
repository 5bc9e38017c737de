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

{#
    Of several records with one address, which is the main one: one that may be written to there,
    then the latest order, then the latest registration, then the lowest id. Nearly every address
    is of one record, which is its main one: only the others are ranked.
#}
{% for address, allowed in addresses %}
{{ address }}_shared as (

    select {{ address }}
    from candidates
    where {{ address }} is not null
    group by {{ address }}
    having count(*) > 1

),

{{ address }}_ranked as (

    select
        candidates.customer_id,
        row_number() over (
            partition by {{ address }}
            order by
                case when may_be_written_to and {{ allowed }} then 0 else 1 end asc,
                last_order_date desc,
                registration_date desc,
                customer_id asc
        ) as address_rank
    from candidates
    inner join {{ address }}_shared using ({{ address }})

),

{% endfor %}
keyed as (

    select
        candidates.*,
        {% for address, _ in addresses %}
        coalesce(
            {{ address }}_ranked.address_rank = 1, candidates.{{ address }} is not null
        ) as is_main_{{ address }},
        {% endfor %}
        {{ customer_surrogate('candidates.oldest_record_id') }} as scv_customer_id
    from candidates
    {% for address, _ in addresses %}
    left join {{ address }}_ranked
        on candidates.customer_id = {{ address }}_ranked.customer_id
    {% endfor %}

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
        is_main_email_norm as is_main_email,
        is_main_phone_e164 as is_main_phone,
        is_main_address_key as is_main_address,
        is_test,
        is_blocked,
        is_employee or buys_like_a_reseller as is_employee_or_reseller,

        -- numbers
        source_record_count,
        {{ drawn_for_life("'scv'", 'scv_customer_id') }} as control_bucket,

        -- times
        registration_date,
        updated_at as record_updated_at

    from keyed
    order by customer_id

)

select * from final
