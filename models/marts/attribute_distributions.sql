{#
    Each kind of attribute is turned into rows once, and counted: numbers by their first digits,
    dates by the day, words as they are. All else is made from those counts, which are few.
    So the rows are read once and nothing is sorted; and counts are exact, where a sketch would
    say something else each time.
#}
{% set attributes = profiled_attributes() %}
{% set numbers = attributes | selectattr('kind', 'in', ['integer', 'decimal']) | list %}
{% set dates = attributes | selectattr('kind', 'equalto', 'date') | list %}
{% set words = attributes | selectattr('kind', 'in', ['boolean', 'text']) | list %}
{% set hidden = attributes | selectattr('kind', 'in', ['personal', 'not profiled']) | list %}
{# Numbers are counted as whole ones, in ten-thousandths: the scale of money. #}
{% set one = 10000 %}
{% set tenth = one // 10 %}
{% set buckets = profiled_buckets() %}

with

customers as (

    select * from {{ ref('single_customer_view') }}

),

identity as (

    select * from {{ ref('customer_identity') }}

),

build as (

    select * from {{ ref('stg_build') }}

),

attributes as (

    {% for each in attributes %}
    select
        '{{ each.name }}' as attribute,
        {{ each.position }} as attribute_position,
        '{{ each.kind }}' as kind
    {% if not loop.last %}union all{% endif %}
    {% else %}
    select '' as attribute, 0 as attribute_position, '' as kind where false
    {% endfor %}

),

profiled as (

    select * from customers
    {% if buckets < 1000 %}
    -- always the same ones; a literal, so that the others' rows are never put together
    where control_bucket < {{ buckets }}
    {% endif %}

),

sizes as (

    select
        (select count(*) from identity) as all_count,
        (select count(*) from profiled) as profiled_count

),

{% if numbers %}
numbers as (

    select
        {% for each in numbers %}
        cast({{ each.name }} * {{ one }} as bigint) as {{ each.name }}{{ ',' if not loop.last }}
        {% endfor %}
    from profiled

),

{% endif %}
number_counts as (

    {% if numbers %}
    select
        attribute,
        {{ by_first_digits('measure') }} as measure,
        count(*) as customer_count,
        min(measure) as smallest,
        max(measure) as largest,
        sum(measure) as total
    from numbers
    unpivot (measure for attribute in ({{ numbers | map(attribute='name') | join(', ') }}))
    group by attribute, {{ by_first_digits('measure') }}
    {% else %}
    select
        '' as attribute,
        0 as measure,
        0 as customer_count,
        0 as smallest,
        0 as largest,
        0 as total
    where false
    {% endif %}

),

{% if dates %}
dates as (

    select
        {% for each in dates %}
        {{ days_of(each.name) }} as {{ each.name }}{{ ',' if not loop.last }}
        {% endfor %}
    from profiled

),

{% endif %}
date_counts as (

    {% if dates %}
    select
        attribute,
        days,
        count(*) as customer_count
    from dates
    unpivot (days for attribute in ({{ dates | map(attribute='name') | join(', ') }}))
    group by attribute, days
    {% else %}
    select '' as attribute, 0 as days, 0 as customer_count where false
    {% endif %}

),

{% if words %}
words as (

    select
        {% for each in words %}
        cast({{ each.name }} as varchar) as {{ each.name }}{{ ',' if not loop.last }}
        {% endfor %}
    from profiled

),

{% endif %}
word_counts as (

    {% if words %}
    select
        attribute,
        word,
        count(*) as customer_count
    from words
    unpivot (word for attribute in ({{ words | map(attribute='name') | join(', ') }}))
    group by attribute, word
    {% else %}
    select '' as attribute, '' as word, 0 as customer_count where false
    {% endif %}

),

{% if hidden %}
hidden as (

    select
        {% for each in hidden %}
        count({{ each.name }}) as {{ each.name }}{{ ',' if not loop.last }}
        {% endfor %}
    from profiled

),

{% endif %}
hidden_counts as (

    {% if hidden %}
    select
        attribute,
        customer_count
    from hidden
    unpivot (customer_count for attribute in ({{ hidden | map(attribute='name') | join(', ') }}))
    {% else %}
    select '' as attribute, 0 as customer_count where false
    {% endif %}

),

measures as (

    -- an engine may write the names that it turned into rows in capitals
    select
        lower(attribute) as attribute,
        measure,
        customer_count,
        smallest,
        largest,
        total
    from number_counts
    union all
    select
        lower(attribute) as attribute,
        days * {{ one }} as measure,
        customer_count,
        days * {{ one }} as smallest,
        days * {{ one }} as largest,
        days * {{ one }} * customer_count as total
    from date_counts

),

running as (

    select
        *,
        sum(customer_count) over (
            partition by attribute order by measure rows unbounded preceding
        ) as customers_up_to,
        sum(customer_count) over (partition by attribute) as known_count
    from measures

),

number_profiles as (

    select
        attribute,
        sum(customer_count) as known_count,
        sum(case when measure = 0 then customer_count else 0 end) as zero_count,
        min(smallest) as minimum,
        {% for percent in [10, 25, 50, 75, 90] %}
        min(case when customers_up_to * 100 >= known_count * {{ percent }} then measure end)
            as quantile_{{ percent }},
        {% endfor %}
        max(largest) as maximum,
        sum(total) as total
    from running
    group by attribute

),

tallies as (

    select
        lower(attribute) as attribute,
        word,
        customer_count
    from word_counts
    union all
    select
        lower(attribute) as attribute,
        cast(null as varchar) as word,
        customer_count
    from hidden_counts
    -- who has none is nobody's bucket
    where customer_count > 0

),

word_profiles as (

    select
        attribute,
        sum(customer_count) as known_count,
        count(word) as value_count
    from tallies
    group by attribute

),

profiles as (

    select
        attributes.attribute,
        attributes.attribute_position,
        case
            when
                attributes.kind in ('boolean', 'text')
                and word_profiles.value_count > {{ threshold('profiled_values') }}
                then 'many values'
            else attributes.kind
        end as kind,
        sizes.all_count,
        sizes.profiled_count,
        coalesce(number_profiles.known_count, word_profiles.known_count, 0) as known_count,
        case when attributes.kind in ('boolean', 'text') then coalesce(word_profiles.value_count, 0) end
            as value_count,
        number_profiles.zero_count,
        number_profiles.minimum,
        {% for percent in [10, 25, 50, 75, 90] %}
        number_profiles.quantile_{{ percent }},
        {% endfor %}
        number_profiles.maximum,
        number_profiles.total
    from attributes
    cross join sizes
    left join number_profiles using (attribute)
    left join word_profiles using (attribute)

),

by_digits as (

    -- The bucket's edges are told by the first digit: 1, 2, 3, 4, 5, 6, 8, 10, 20 …
    select
        profiles.attribute,
        profiles.kind,
        measures.measure,
        measures.customer_count,
        case when measures.measure < 0 then -1 else 1 end as sign,
        abs(measures.measure) as distance,
        {{ power_of_ten_in('measures.measure') }} as power,
        profiles.kind = 'decimal' and profiles.minimum >= 0 and profiles.maximum <= {{ one }}
            as is_share
    from measures
    inner join profiles using (attribute)
    where profiles.kind in ('integer', 'decimal')

),

edged as (

    select
        attribute,
        sign,
        customer_count,
        case
            when distance = 0 then 0
            -- tenths of what is a share of something; below a tenth nothing is told apart
            when is_share then distance - mod(distance, {{ tenth }})
            when distance < {{ tenth }} then 0
            -- small whole numbers stand each for itself
            when kind = 'integer' and power = {{ one }} then distance
            when distance >= 8 * power then 8 * power
            when distance >= 6 * power then 6 * power
            else distance - mod(distance, power)
        end as near_edge,
        case
            when distance = 0 then 0
            when is_share and distance = {{ one }} then 0
            when is_share or distance < {{ tenth }} then {{ tenth }}
            when kind = 'integer' and power = {{ one }} then {{ one }}
            when distance >= 6 * power then 2 * power
            else power
        end as width
    from by_digits

),

dated as (

    select
        profiles.attribute,
        measures.customer_count,
        cast({{ dbt.dateadd(
            'day', 'cast(measures.measure / ' ~ one ~ ' as integer)', "date '1970-01-01'"
        ) }} as date) as day,
        build.business_date
    from measures
    inner join profiles using (attribute)
    cross join build
    where profiles.kind = 'date'

),

spanned as (

    -- Months of this year and the last, years before.
    select
        attribute,
        customer_count,
        case
            when extract(year from day) >= extract(year from business_date) - 1 then 'month'
            else 'year'
        end as period,
        {{ dbt.date_trunc('month', 'day') }} as first_of_month,
        {{ dbt.date_trunc('year', 'day') }} as first_of_year
    from dated

),

buckets as (

    select
        attribute,
        cast(null as varchar) as value,
        case when sign < 0 then -near_edge - width else near_edge end as low,
        case when sign < 0 then -near_edge else near_edge + width end as high,
        customer_count
    from edged

    union all

    select
        attribute,
        cast(null as varchar) as value,
        {{ one }} * {{ days_of(
            "case when period = 'month' then first_of_month else first_of_year end"
        ) }} as low,
        {{ one }} * {{ days_of(
            "case when period = 'month' then " ~ dbt.dateadd('month', 1, 'first_of_month')
            ~ " else " ~ dbt.dateadd('year', 1, 'first_of_year') ~ " end"
        ) }} as high,
        customer_count
    from spanned

    union all

    select
        tallies.attribute,
        case when profiles.kind in ('boolean', 'text') then tallies.word end as value,
        cast(null as bigint) as low,
        cast(null as bigint) as high,
        tallies.customer_count
    from tallies
    inner join profiles using (attribute)

),

filled as (

    select
        attribute,
        value,
        low,
        high,
        sum(customer_count) as customer_count,
        true as is_known
    from buckets
    group by attribute, value, low, high

    union all

    select
        attribute,
        cast(null as varchar) as value,
        cast(null as bigint) as low,
        cast(null as bigint) as high,
        profiled_count - known_count as customer_count,
        false as is_known
    from profiles

),

final as (

    select
        -- key
        profiles.attribute,
        cast(
            row_number() over (
                partition by profiles.attribute
                order by filled.is_known, filled.low, filled.high, filled.value
            ) as integer
        ) as bucket_position,

        -- the bucket
        filled.is_known,
        filled.value,
        {{ money('filled.low / ' ~ one) }} as low_number,
        {{ money('filled.high / ' ~ one) }} as high_number,
        cast(
            round(filled.customer_count * profiles.all_count / nullif(profiles.profiled_count, 0))
            as bigint
        ) as customer_count,

        -- the attribute
        cast(profiles.attribute_position as integer) as attribute_position,
        profiles.kind,
        cast(profiles.all_count as bigint) as all_count,
        cast(profiles.profiled_count as bigint) as profiled_count,
        {% for name in ['known_count', 'zero_count'] %}
        cast(
            round(profiles.{{ name }} * profiles.all_count / nullif(profiles.profiled_count, 0))
            as bigint
        ) as {{ name }},
        {% endfor %}
        cast(profiles.value_count as bigint) as value_count,
        {% for name in ['minimum', 'quantile_10', 'quantile_25', 'quantile_50'] %}
        {{ money('profiles.' ~ name ~ ' / ' ~ one) }} as {{ name }},
        {% endfor %}
        {% for name in ['quantile_75', 'quantile_90', 'maximum'] %}
        {{ money('profiles.' ~ name ~ ' / ' ~ one) }} as {{ name }},
        {% endfor %}
        {{ money('profiles.total / (nullif(profiles.known_count, 0) * ' ~ one ~ ')') }} as mean

    from filled
    inner join profiles using (attribute)

)

select * from final
