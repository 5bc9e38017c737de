{#
    True within a window of so many days up to the business date: (A - days, A]. Later days are
    never in a build.
#}

{% macro within(day, days) %}
    {%- do return(day ~ " > " ~ business_date() ~ " - " ~ days) -%}
{% endmacro %}

{# True within the window of so many days before that: (A - 2 * days, A - days]. #}
{% macro within_previous(day, days) %}
    {%- do return(within(day, days * 2) ~ " and not " ~ within(day, days)) -%}
{% endmacro %}

{#
    The same with a number that somebody decided: a date less such a number is no date on every
    engine, days between two dates are a number on each.
#}

{% macro within_decided(day, days) %}
    {%- do return("(" ~ business_date() ~ " - " ~ day ~ ") < " ~ days) -%}
{% endmacro %}
