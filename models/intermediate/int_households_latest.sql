{{ config(
    materialized='incremental',
    unique_key='customer_id',
    pre_hook="{{ forget_unless_newer('households') }}",
) }}

with

households as (

    select * from {{ ref('stg_households') }}
    where {{ new_batches('households', anew=true) }}

),

newest as (

    select *
    from households
    qualify row_number() over (
        partition by customer_id order by updated_at desc, batch_date desc
    ) = 1

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
        deleted_at,

        -- lineage
        batch_date

    from newest
    {% if is_incremental() %}
    -- A version that came late does not undo a newer one.
    where
        not exists (
            select 1 from {{ itself() }} as known
            where known.customer_id = newest.customer_id and known.updated_at > newest.updated_at
        )
    {% endif %}

)

select * from final
