with

households as (

    select customer_id from {{ ref('int_households_resolved') }}

),

cases as (

    select * from {{ ref('int_service_cases_resolved') }}

),

desk as (

    -- Zero where the desk has reported and has no case; null where it never has.
    select max(case when table_name = 'service_cases' and was_ever_delivered then 0 end) as nothing
    from {{ ref('stg_pinned_batches') }}

),

counted as (

    select
        customer_id,
        count_if(is_open) as cases_open,
        count_if({{ within('opened_date', 90) }}) as cases_90d
    from cases
    group by customer_id

),

final as (

    select
        -- key
        households.customer_id,

        -- service
        cast(coalesce(counted.cases_open, desk.nothing) as integer) as cases_open,
        cast(coalesce(counted.cases_90d, desk.nothing) as integer) as cases_90d

    from households
    left join counted using (customer_id)
    cross join desk
    order by customer_id

)

select * from final
