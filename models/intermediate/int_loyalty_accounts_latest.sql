{{ config(
    materialized='incremental',
    unique_key='loyalty_id',
    pre_hook="{{ forget_unless_newer('loyalty_accounts') }}",
) }}

with

accounts as (

    select * from {{ ref('stg_loyalty_accounts') }}
    where {{ new_batches('loyalty_accounts', anew=true) }}

),

newest as (

    select *
    from accounts
    qualify row_number() over (
        partition by loyalty_id order by updated_at desc, batch_date desc
    ) = 1

),

final as (

    select
        -- keys
        loyalty_id,
        customer_id,

        -- descriptive
        loyalty_tier,

        -- flags
        is_open,

        -- times
        enrol_date,
        tier_expiry_date,
        updated_at,

        -- lineage
        batch_date

    from newest
    {% if is_incremental() %}
    -- A version that came late does not undo a newer one.
    where
        not exists (
            select 1 from {{ itself() }} as known
            where known.loyalty_id = newest.loyalty_id and known.updated_at > newest.updated_at
        )
    {% endif %}

)

select * from final
