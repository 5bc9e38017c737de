with

customers as (

    select customer_id, micro_segment_id from {{ ref('customer_micro_segments') }}

),

segments_before as (

    select customer_id, micro_segment_id from {{ ref('stg_segments_before') }}

),

final as (

    select
        -- from and to
        coalesce(segments_before.micro_segment_id, 'no customer') as from_micro_segment_id,
        coalesce(customers.micro_segment_id, 'no customer') as to_micro_segment_id,

        -- numbers
        count(*) as customer_count

    from segments_before
    full join customers using (customer_id)
    group by segments_before.micro_segment_id, customers.micro_segment_id

)

select * from final
