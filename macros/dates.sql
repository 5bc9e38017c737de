{# Whole years from a birth date to a day; outside the believable range null. #}

{% macro age_years(birth_date, day) %}
    {%- set years -%}
        {{ years_apart(birth_date, day) }}
        - case when {{ birthday(birth_date, years_apart(birth_date, day)) }} > {{ day }} then 1 else 0 end
    {%- endset -%}
    {%- do return(
        "cast(case when " ~ years ~ " between " ~ threshold('minimum_age_years') ~ " and "
        ~ threshold('maximum_age_years') ~ " then " ~ years ~ " end as integer)"
    ) -%}
{% endmacro %}

{# Calendar years between a birth date and a day. #}
{% macro years_apart(birth_date, day) %}
    {%- do return("(extract(year from " ~ day ~ ") - extract(year from " ~ birth_date ~ "))") -%}
{% endmacro %}

{# The birthday so many calendar years after a birth date. #}
{% macro birthday(birth_date, years) %}
    {%- do return(
        "cast(" ~ dbt.dateadd('year', "cast(" ~ years ~ " as integer)", birth_date) ~ " as date)"
    ) -%}
{% endmacro %}

{#
    Days from a day to the next birthday, 0 on the day itself. Who was born on 29 February
    has a birthday on the 28th in other years.
#}
{% macro days_to_birthday(birth_date, day) %}
    {%- set years = years_apart(birth_date, day) -%}
    {%- set this_year = birthday(birth_date, years) -%}
    {%- set next_year = birthday(birth_date, years ~ " + 1") -%}
    {%- do return(
        "case when " ~ this_year ~ " >= " ~ day ~ " then " ~ this_year ~ " - " ~ day
        ~ " else " ~ next_year ~ " - " ~ day ~ " end"
    ) -%}
{% endmacro %}

{# The day that is so many days after a day. #}
{% macro plus_days(day, days) %}
    {%- do return(
        "cast(" ~ dbt.dateadd('day', "cast(" ~ days ~ " as integer)", day) ~ " as date)"
    ) -%}
{% endmacro %}
