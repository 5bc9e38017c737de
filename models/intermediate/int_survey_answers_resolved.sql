{{ config(materialized='view') }}

with

survey_answers as (

    select * from {{ ref('int_survey_answers_by_customer_day') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

final as (

    select
        -- keys
        coalesce(resolved.surviving_customer_id, survey_answers.customer_id) as customer_id,
        survey_answers.activity_date,

        -- numbers
        survey_answers.event_count,

        -- times
        survey_answers.last_event_at

    from survey_answers
    left join resolved using (customer_id)

)

select * from final
