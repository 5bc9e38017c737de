{# Money is exact: sums of floats would differ with the order in which they are added. #}

{% macro money(expression) %}
    {%- do return("cast(" ~ expression ~ " as decimal(18, 4))") -%}
{% endmacro %}

{#
    dividend / divisor as a decimal of the given scale; null where the divisor is null or not
    positive. One division of exact numbers, the same in every build; an exact tie in the digit
    after the last may fall either way.
#}
{% macro ratio(dividend, divisor, scale=4) %}
    {%- do return(
        "case when " ~ divisor ~ " > 0 then cast(cast(" ~ dividend ~ " as double) / "
        ~ "cast(" ~ divisor ~ " as double) as decimal(18, " ~ scale ~ ")) end"
    ) -%}
{% endmacro %}
