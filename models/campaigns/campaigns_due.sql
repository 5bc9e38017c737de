with

campaigns as (

    select * from {{ ref('campaigns') }}

),

final as (

    select
        -- key
        campaign_id,

        -- descriptive
        label,
        channel,

        -- numbers
        priority,
        duration_days,
        control_percent,

        -- times
        {{ business_date() }} as occurrence_date

    from campaigns
    where
        {{ business_date() }} between starts_on and ends_on
        and (
            schedule = 'daily'
            or schedule like '%' || {{ weekday(business_date()) }} || '%'
        )

)

select * from final
