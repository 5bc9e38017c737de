{#
    BG/NBD's expected orders hold a hypergeometric function, which SQL does not have. But the part
    that needs it does not depend on the latest order: so it is summed here once for each pair of
    repeats and age that occurs, and customers are joined to it.

    With z = weeks / (alpha + age + weeks) and c = a + b + repeats - 1, equation 10 of Fader,
    Hardie and Lee (2005), divided by the chance to be alive, becomes by Euler's transformation

        c / (a - 1) * (1 - (1 - z) ^ (a - 1))
            - (1 - z) ^ (a - 1) * sum over n of coefficient(repeats, n) * z ^ n

    The coefficients depend on repeats alone, each on the one before. There are as many terms as
    leave less than the twelfth digit, 9,999 at most.
#}

with

parameters as (

    select * from {{ ref('int_prediction_parameters') }}

),

purchases as (

    select * from {{ ref('customer_purchases') }}

),

pairs as (

    select distinct
        order_days_lifetime - 1 as repeats,
        {{ business_date() }} - first_order_date as age_days
    from purchases
    where first_order_date is not null

),

placed as (

    select
        pairs.repeats,
        pairs.age_days,
        parameters.a,
        parameters.a + parameters.b + pairs.repeats - 1 as c,
        parameters.a + parameters.b - parameters.r - 1 as head,
        ln(
            {{ weeks(365) }}
            / (parameters.alpha + {{ weeks('pairs.age_days') }} + {{ weeks(365) }})
        ) as ln_z,
        ln(
            (parameters.alpha + {{ weeks('pairs.age_days') }})
            / (parameters.alpha + {{ weeks('pairs.age_days') }} + {{ weeks(365) }})
        ) as ln_1_z
    from pairs
    cross join parameters
    where parameters.r is not null

),

measured as (

    -- Above a = 2 terms grow before they fall.
    select
        *,
        least(9999, ceil((28 + 8 * greatest(a - 2, 0)) / -ln_z) + 20) as terms
    from placed

),

lengths as (

    select
        repeats,
        max(a) as a,
        max(c) as c,
        max(head) as head,
        max(terms) as terms
    from measured
    group by repeats

),

ratios as (

    -- Of each coefficient to the one before.
    select
        lengths.repeats,
        numbers.n,
        case
            when numbers.n = 1 then lengths.head
            else
                (lengths.head + numbers.n - 1) * (lengths.a + numbers.n - 2)
                / ((lengths.c + numbers.n - 1) * numbers.n)
        end as ratio
    from lengths
    inner join {{ numbers() }} as numbers on lengths.terms >= numbers.n

),

coefficients as (

    select
        repeats,
        n,
        sum(ln(greatest(abs(ratio), 1e-300))) over (
            partition by repeats order by n rows between unbounded preceding and current row
        ) as ln_size,
        sum(case when ratio < 0 then 1 else 0 end) over (
            partition by repeats order by n rows between unbounded preceding and current row
        ) as turns
    from ratios

),

series as (

    -- Added as decimals, which come to the same in any order.
    select
        measured.repeats,
        measured.age_days,
        sum(
            cast(
                case when mod(coefficients.turns, 2) = 0 then 1 else -1 end
                * exp(coefficients.ln_size + coefficients.n * measured.ln_z)
                as decimal(38, 14)
            )
        ) as total
    from measured
    inner join coefficients
        on
            measured.repeats = coefficients.repeats
            and measured.terms >= coefficients.n
    group by measured.repeats, measured.age_days

),

final as (

    select
        -- keys
        cast(measured.repeats as integer) as repeats,
        cast(measured.age_days as integer) as age_days,

        -- numbers
        cast(
            measured.c / (measured.a - 1) * (1 - exp((measured.a - 1) * measured.ln_1_z))
            - exp((measured.a - 1) * measured.ln_1_z) * cast(series.total as double)
            as decimal(18, 10)
        ) as orders_365d_if_alive

    from measured
    inner join series
        on
            measured.repeats = series.repeats
            and measured.age_days = series.age_days

)

select * from final
