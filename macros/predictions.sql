{# Weeks of so many days, exactly: the prediction model counts time in weeks. #}
{% macro weeks(days) %}
    {%- do return("(cast(" ~ days ~ " as double) / 7)") -%}
{% endmacro %}

{#
    The chance of no order in the coming days for somebody who is still a customer: by BG/NBD,
    ((alpha + age) / (alpha + age + days)) ^ (r + repeats).
#}
{% macro p_no_order_if_alive(days) %}
    {%- set past = "(alpha + " ~ weeks('age_days') ~ ")" -%}
    {%- do return(
        "exp((r + repeats) * ln(" ~ past ~ " / (" ~ past ~ " + " ~ weeks(days) ~ ")))"
    ) -%}
{% endmacro %}

{# The share of so many in all, in whole percent upward: 1 to 100. #}
{% macro percentile(so_many, all) %}
    {%- do return(
        "cast(ceil(cast(100 * " ~ so_many ~ " as double) / " ~ all ~ ") as integer)"
    ) -%}
{% endmacro %}
