with

households as (

    select * from {{ ref('int_households_resolved') }}

),

country_defaults as (

    select * from {{ ref('country_defaults') }}

),

final as (

    select
        -- key
        households.customer_id,

        -- who
        households.birth_date,
        households.gender,
        households.age_band,
        households.income_band,
        households.home_ownership,
        households.marital_status,
        households.household_size,
        households.household_composition,
        households.kids_count,

        -- where
        households.country_code,
        households.region,
        case
            when households.stated_language_code <> 'unknown' then households.stated_language_code
            else coalesce(country_defaults.language_code, 'unknown')
        end as language_code

    from households
    left join country_defaults using (country_code)
    order by customer_id

)

select * from final
