{#
    True within a window of so many days up to the business date: (A - days, A]. Later days are
    never in a build.
#}

{% macro within(day, days) %}
    {%- do return(day ~ " > " ~ business_date() ~ " - " ~ days) -%}
{% endmacro %}
