{{ config(
    materialized='incremental',
    unique_key='customer_id',
    pre_hook="{{ forget_unless_newer('household_merges') }}",
) }}

with

household_merges as (

    select * from {{ ref('stg_household_merges') }}
    where {{ new_batches('household_merges', anew=true) }}

),

newest as (

    -- At the same instant the record that was merged outranks the one that was not.
    select *
    from household_merges
    qualify row_number() over (
        partition by customer_id
        order by
            merged_at desc,
            batch_date desc,
            case when merged_into_customer_id is null then 1 else 0 end asc,
            merged_into_customer_id asc
    ) = 1

),

final as (

    select
        customer_id,
        merged_into_customer_id,
        merged_at,
        batch_date

    from newest
    {% if is_incremental() %}
    -- A word that came late does not undo a newer one.
    where
        not exists (
            select 1 from {{ itself() }} as known
            where known.customer_id = newest.customer_id and known.merged_at > newest.merged_at
        )
    {% endif %}

)

select * from final
