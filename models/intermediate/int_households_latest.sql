{{ config(materialized='incremental', unique_key='customer_id') }}

with

households as (

    select * from {{ ref('stg_households') }}
    where {{ new_batches() }}

),

final as (

    select
        -- keys
        customer_id,
        client_customer_id,

        -- contact
        first_name,
        last_name,
        email_norm,
        phone_e164,
        address_line,
        city,
        postal_code,
        address_key,

        -- who
        birth_date,
        gender,
        stated_language_code,
        country_code,
        region,
        age_band,
        income_band,
        home_ownership,
        marital_status,
        household_size,
        household_composition,
        kids_count,

        -- flags
        is_test,
        is_blocked,
        is_employee,

        -- times
        registration_date,
        updated_at,

        -- lineage
        batch_date

    from households
    qualify row_number() over (
        partition by customer_id order by batch_date desc, updated_at desc
    ) = 1

)

select * from final
