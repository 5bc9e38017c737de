with

source as (

    select * from {{ source('raw', 'survey_answers') }}

),

final as (

    select
        -- keys
        answer_id,
        household_id as customer_id,

        -- descriptive
        topic,

        -- flags
        is_test,

        -- numbers
        score,

        -- times
        answered_at,

        -- lineage
        batch_date

    from source

)

select * from final
