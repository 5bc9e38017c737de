{# Whole years from a birth date to a day; outside the believable range null. #}

{% macro age_years(birth_date, day) %}
    {%- set years -%}
        extract(year from {{ day }}) - extract(year from {{ birth_date }})
        - case
            when
                extract(month from {{ day }}) * 100 + extract(day from {{ day }})
                < extract(month from {{ birth_date }}) * 100 + extract(day from {{ birth_date }})
                then 1
            else 0
        end
    {%- endset -%}
    {%- do return(
        "cast(case when " ~ years ~ " between " ~ threshold('minimum_age_years') ~ " and "
        ~ threshold('maximum_age_years') ~ " then " ~ years ~ " end as integer)"
    ) -%}
{% endmacro %}

{#
    Days from a day to the next birthday, 0 on the day itself. Who was born on 29 February
    has a birthday on the 28th in other years.
#}
{% macro days_to_birthday(birth_date, day) %}
    {%- set years = "(extract(year from " ~ day ~ ") - extract(year from " ~ birth_date ~ "))" -%}
    {%- set this_year = "cast(" ~ dbt.dateadd('year', "cast(" ~ years ~ " as integer)", birth_date) ~ " as date)" -%}
    {%- set next_year = "cast(" ~ dbt.dateadd('year', "cast(" ~ years ~ " + 1 as integer)", birth_date) ~ " as date)" -%}
    {%- do return(
        "case when " ~ this_year ~ " >= " ~ day ~ " then " ~ this_year ~ " - " ~ day
        ~ " else " ~ next_year ~ " - " ~ day ~ " end"
    ) -%}
{% endmacro %}
