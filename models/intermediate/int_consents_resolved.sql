{{ config(materialized='view') }}

{#
    A merge alone makes nobody contactable. The customer's yes is that of its own record, and it
    stands only while no record merged into it says no, unless the yes was given after both that no
    and the merge. A yes of a merged record counts for nothing.
#}

with

consents as (

    select * from {{ ref('int_consents_latest') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

survivors as (

    select distinct surviving_customer_id as customer_id from resolved

),

alone as (

    select consents.*
    from consents
    left join resolved using (customer_id)
    left join survivors using (customer_id)
    where resolved.customer_id is null and survivors.customer_id is null

),

merged as (

    select
        coalesce(resolved.surviving_customer_id, consents.customer_id) as customer_id,
        consents.channel,
        consents.is_opt_in,
        consents.capture_source,
        consents.event_at,
        consents.last_opted_out_at,
        resolved.merged_at
    from consents
    left join resolved using (customer_id)
    left join survivors using (customer_id)
    where resolved.customer_id is not null or survivors.customer_id is not null

),

own as (

    select * from merged
    where merged_at is null

),

counted as (

    select merged.*
    from merged
    left join own using (customer_id, channel)
    where
        merged.merged_at is null
        or (
            not merged.is_opt_in
            and not coalesce(
                own.is_opt_in
                and own.event_at > merged.event_at
                and own.event_at > merged.merged_at,
                false
            )
        )

),

said_no as (

    select customer_id, channel, max(last_opted_out_at) as last_opted_out_at
    from merged
    group by customer_id, channel

),

decided as (

    -- Of what counts any no decides, the latest of them.
    select
        counted.customer_id,
        counted.channel,
        counted.is_opt_in,
        counted.capture_source,
        counted.event_at,
        said_no.last_opted_out_at
    from counted
    inner join said_no using (customer_id, channel)
    qualify row_number() over (
        partition by counted.customer_id, counted.channel
        order by counted.is_opt_in asc, counted.event_at desc, counted.capture_source asc
    ) = 1

),

final as (

    select
        -- keys
        customer_id,
        channel,

        -- consent
        is_opt_in,
        capture_source,

        -- times
        event_at,
        last_opted_out_at

    from alone

    union all

    select
        customer_id,
        channel,
        is_opt_in,
        capture_source,
        event_at,
        last_opted_out_at
    from decided

)

select * from final
