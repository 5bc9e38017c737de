{# Each step goes as far as the two before it together: six of them follow 64 merges in a row. #}
{% set steps = 6 %}

with

latest_merges as (

    select * from {{ ref('int_merges_latest') }}
    where merged_into_customer_id <> customer_id

),

households as (

    select customer_id, deleted_at from {{ ref('int_households_latest') }}

),

links as (

    -- Between records that the client has sent, and not from one that was closed before: what
    -- somebody had erased does not come back by a merge.
    select
        latest_merges.customer_id,
        latest_merges.merged_into_customer_id,
        latest_merges.merged_at,
        row_number() over (
            order by latest_merges.merged_at, latest_merges.customer_id
        ) as link_number
    from latest_merges
    inner join households using (customer_id)
    inner join households as targets
        on latest_merges.merged_into_customer_id = targets.customer_id
    where households.deleted_at is null or households.deleted_at >= latest_merges.merged_at

),

step_0 as (

    select
        customer_id,
        merged_into_customer_id as reached_id,
        merged_at,
        link_number as oldest_link
    from links

),

{% for step in range(1, steps + 1) %}
step_{{ step }} as (

    select
        here.customer_id,
        coalesce(onward.reached_id, here.reached_id) as reached_id,
        greatest(here.merged_at, coalesce(onward.merged_at, here.merged_at)) as merged_at,
        least(here.oldest_link, coalesce(onward.oldest_link, here.oldest_link)) as oldest_link
    from step_{{ step - 1 }} as here
    left join step_{{ step - 1 }} as onward on here.reached_id = onward.customer_id

),

{% endfor %}
settled as (

    -- Whoever still has somewhere to go from there goes in a circle: the oldest word in it no
    -- longer holds, and the record that it was about is the customer.
    select
        reached.customer_id,
        coalesce(ends.customer_id, reached.reached_id) as surviving_customer_id,
        reached.merged_at,
        ends.customer_id is not null as is_of_a_circle
    from step_{{ steps }} as reached
    left join step_{{ steps }} as circles on reached.reached_id = circles.customer_id
    left join links as ends on circles.oldest_link = ends.link_number

),

final as (

    select
        customer_id,
        surviving_customer_id,
        is_of_a_circle,
        merged_at

    from settled
    where customer_id <> surviving_customer_id

)

select * from final
