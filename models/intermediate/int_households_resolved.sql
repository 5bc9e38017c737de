{{ config(materialized='view') }}

with

households as (

    select * from {{ ref('int_households_latest') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

merged_marks as (

    -- A merge lifts no mark: who was blocked under one record is blocked under all.
    select
        resolved.surviving_customer_id as customer_id,
        max(case when households.is_blocked then 1 else 0 end) = 1 as is_blocked,
        max(case when households.is_employee then 1 else 0 end) = 1 as is_employee
    from resolved
    inner join households using (customer_id)
    group by resolved.surviving_customer_id

),

final as (

    select
        -- keys
        households.customer_id,
        households.client_customer_id,

        -- contact
        households.first_name,
        households.last_name,
        households.email_norm,
        households.phone_e164,
        households.address_line,
        households.city,
        households.postal_code,
        households.address_key,

        -- who
        households.birth_date,
        households.gender,
        households.stated_language_code,
        households.country_code,
        households.region,
        households.age_band,
        households.income_band,
        households.home_ownership,
        households.marital_status,
        households.household_size,
        households.household_composition,
        households.kids_count,

        -- flags
        households.is_test,
        households.is_blocked or coalesce(merged_marks.is_blocked, false) as is_blocked,
        households.is_employee or coalesce(merged_marks.is_employee, false) as is_employee,

        -- times
        households.registration_date,
        households.updated_at

    from households
    left join resolved using (customer_id)
    left join merged_marks using (customer_id)
    where resolved.customer_id is null and households.deleted_at is null

)

select * from final
