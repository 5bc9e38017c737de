with

bands as (

    select
        from_day,
        coalesce(lead(from_day) over (order by from_day) - 1, 99999) as to_day
    from {{ ref('tenure_bands') }}

),

households as (

    select
        customer_id,
        registration_date
    from {{ ref('int_households_resolved') }}

),

purchases as (

    select
        customer_id,
        first_order_date
    from {{ ref('customer_purchases') }}

),

tills as (

    -- Of who registered before the tills' history began no first order is known.
    select min(first_order_date) as began_on from purchases

),

watched as (

    -- Days without an order after that of registration, and whether an order ended them.
    select
        coalesce(purchases.first_order_date, {{ business_date() }}) - households.registration_date
            as days_watched,
        purchases.first_order_date is not null as has_ordered,
        count(*) as customers
    from households
    inner join purchases using (customer_id)
    cross join tills
    where households.registration_date >= tills.began_on
    group by
        coalesce(purchases.first_order_date, {{ business_date() }}) - households.registration_date,
        purchases.first_order_date is not null

),

counted as (

    select
        bands.from_day,
        bands.to_day,
        coalesce(sum(watched.customers), 0) as customers_at_risk,
        coalesce(sum(
            watched.customers
            * (least(watched.days_watched, bands.to_day) - bands.from_day + 1)
        ), 0) as days_at_risk,
        coalesce(sum(
            case
                when watched.has_ordered and watched.days_watched <= bands.to_day
                    then watched.customers
            end
        ), 0) as first_orders
    from bands
    left join watched on bands.from_day <= watched.days_watched
    group by bands.from_day, bands.to_day

),

smoothed as (

    -- As if the fewest that say anything had been watched for 60 days more, and had ordered
    -- as customers of any tenure do.
    select
        *,
        60 * {{ threshold('first_order_minimum_customers') }} as days_lent,
        cast(sum(first_orders) over () as double)
        / nullif(sum(days_at_risk) over (), 0) as usual_hazard
    from counted

),

final as (

    select
        -- key
        cast(from_day as integer) as from_day,
        cast(to_day as integer) as to_day,

        -- numbers
        cast(customers_at_risk as bigint) as customers_at_risk,
        cast(days_at_risk as bigint) as days_at_risk,
        cast(first_orders as bigint) as first_orders,
        case
            when customers_at_risk >= {{ threshold('first_order_minimum_customers') }}
                then cast(
                    (first_orders + days_lent * usual_hazard) / (days_at_risk + days_lent)
                    as decimal(18, 10)
                )
        end as daily_hazard

    from smoothed

)

select * from final
