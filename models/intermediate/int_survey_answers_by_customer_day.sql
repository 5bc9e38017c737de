{{ config(
    materialized='incremental',
    unique_key='batch_date',
    pre_hook="{{ forget_replaced('survey_answers') }}",
) }}

with

survey_answers as (

    select * from {{ ref('stg_survey_answers') }}
    where
        {{ new_batches('survey_answers') }}
        and customer_id is not null
        and is_test is not true

),

counted as (

    -- What is told twice in one delivery counts once.
    select *
    from survey_answers
    qualify row_number() over (
        partition by customer_id, answered_at, batch_date order by answered_at
    ) = 1

),

final as (

    select
        -- keys
        customer_id,
        {{ local_date('answered_at') }} as activity_date,

        -- numbers
        cast(count(*) as integer) as event_count,

        -- times
        max(answered_at) as last_event_at,

        -- lineage
        batch_date

    from counted
    group by customer_id, activity_date, batch_date
    order by customer_id

)

select * from final
