{{ config(materialized='view') }}

{# What may come from another record of a customer: see `int_customers_merged`. #}
{% set passed_on = [
    'first_name', 'last_name', 'email_norm', 'phone_e164', 'address_line', 'city', 'postal_code',
    'address_key', 'birth_date', 'gender', 'stated_language_code', 'country_code', 'region',
    'age_band', 'income_band', 'home_ownership', 'marital_status', 'household_size',
    'household_composition', 'kids_count', 'is_test', 'is_blocked', 'is_employee',
    'registration_date',
] %}

with

households as (

    select * from {{ ref('int_households_latest') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

merged as (

    select * from {{ ref('int_customers_merged') }}

),

final as (

    select
        -- keys
        households.customer_id,
        households.client_customer_id,
        coalesce(merged.oldest_record_id, households.customer_id) as oldest_record_id,

        -- who, where, marks
        {% for attribute in passed_on %}
        case
            when merged.customer_id is null then households.{{ attribute }}
            else merged.{{ attribute }}
        end as {{ attribute }},
        {% endfor %}

        -- numbers
        coalesce(merged.record_count, 1) as source_record_count,

        -- times
        households.updated_at

    from households
    left join resolved using (customer_id)
    left join merged using (customer_id)
    where resolved.customer_id is null and households.deleted_at is null

)

select * from final
