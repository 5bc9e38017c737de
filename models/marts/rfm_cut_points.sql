{#
    Quantiles by exact histogram: distinct values are counted and walked through, which costs a
    group by; sorting every customer three times costs minutes at twenty million.
#}

with

purchases as (

    select * from {{ ref('customer_purchases') }}

),

buyers as (

    select
        {{ business_date() }} - last_order_date as days_since_last_order,
        orders_365d,
        net_sales_365d
    from purchases
    where {{ within('last_order_date', 730) }}

),

histogram as (

    select
        'recency' as metric,
        {{ money('days_since_last_order') }} as value,
        count(*) as customer_count
    from buyers
    group by days_since_last_order

    union all

    select
        'frequency' as metric,
        {{ money('orders_365d') }} as value,
        count(*) as customer_count
    from buyers
    group by orders_365d

    union all

    select
        'monetary' as metric,
        net_sales_365d as value,
        count(*) as customer_count
    from buyers
    group by net_sales_365d

),

walked as (

    select
        metric,
        value,
        sum(customer_count) over (partition by metric order by value) as customers_to_here,
        sum(customer_count) over (partition by metric) as customers
    from histogram

),

final as (

    select
        metric,
        min(case when customers_to_here * 5 >= customers then value end) as cut_20,
        min(case when customers_to_here * 5 >= customers * 2 then value end) as cut_40,
        min(case when customers_to_here * 5 >= customers * 3 then value end) as cut_60,
        min(case when customers_to_here * 5 >= customers * 4 then value end) as cut_80,
        min(
            case
                when
                    customers_to_here * 100
                    >= customers * (100 - {{ threshold('vip_top_percent') }})
                    then value
            end
        ) as cut_vip,
        cast(max(customers) as bigint) as customer_count
    from walked
    group by metric

)

select * from final
