{{ config(
    materialized='incremental',
    unique_key='case_id',
    pre_hook="{{ forget_unless_newer('service_cases') }}",
) }}

with

cases as (

    select * from {{ ref('stg_service_cases') }}
    where {{ new_batches('service_cases', anew=true) }}

),

newest as (

    select *
    from cases
    qualify row_number() over (
        partition by case_id order by updated_at desc, batch_date desc
    ) = 1

),

final as (

    select
        -- keys
        case_id,
        customer_id,

        -- flags
        is_open,

        -- times
        opened_date,
        updated_at,

        -- lineage
        batch_date

    from newest
    {% if is_incremental() %}
    -- A version that came late does not undo a newer one.
    where
        not exists (
            select 1 from {{ itself() }} as known
            where known.case_id = newest.case_id and known.updated_at > newest.updated_at
        )
    {% endif %}

)

select * from final
