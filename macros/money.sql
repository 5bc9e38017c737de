{# Money and shares are exact decimals: a float would make two builds of one day differ. #}

{% macro money(expression) %}
    {%- do return("cast(" ~ expression ~ " as decimal(18, 4))") -%}
{% endmacro %}

{# dividend / divisor as a decimal of the given scale; null where the divisor is null or not positive. #}
{% macro ratio(dividend, divisor, scale=4) %}
    {%- do return(
        "case when " ~ divisor ~ " > 0 then cast(cast(" ~ dividend ~ " as double) / "
        ~ "cast(" ~ divisor ~ " as double) as decimal(18, " ~ scale ~ ")) end"
    ) -%}
{% endmacro %}
