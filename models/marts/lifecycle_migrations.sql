with

customers as (

    select customer_id, lifecycle_stage from {{ ref('customer_lifecycle') }}

),

segments_before as (

    select customer_id, lifecycle_stage from {{ ref('stg_segments_before') }}

),

final as (

    select
        -- from and to
        coalesce(segments_before.lifecycle_stage, 'no customer') as from_lifecycle_stage,
        coalesce(customers.lifecycle_stage, 'no customer') as to_lifecycle_stage,

        -- numbers
        count(*) as customer_count

    from segments_before
    full join customers using (customer_id)
    group by segments_before.lifecycle_stage, customers.lifecycle_stage

)

select * from final
