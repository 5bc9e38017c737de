{{ config(materialized='view') }}

with

answers as (

    select * from {{ ref('int_message_answers') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

final as (

    select
        -- keys
        coalesce(resolved.surviving_customer_id, answers.customer_id) as customer_id,
        answers.send_id,
        answers.answer,

        -- times
        answers.first_answered_date,
        answers.first_answered_hour,
        answers.last_answered_date

    from answers
    left join resolved using (customer_id)

)

select * from final
