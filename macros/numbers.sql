{# The whole numbers from 1 to 9,999, as rows of one column `n`: digit beside digit. #}

{% macro numbers() %}
    {%- set digits = [] -%}
    {%- for digit in range(10) -%}
        {%- do digits.append("select " ~ digit ~ " as digit") -%}
    {%- endfor -%}
    {%- set ten = "(" ~ digits | join(" union all ") ~ ")" -%}
    {%- do return(
        "(select ones.digit + 10 * tens.digit + 100 * hundreds.digit + 1000 * thousands.digit as n"
        ~ " from " ~ ten ~ " as ones cross join " ~ ten ~ " as tens cross join " ~ ten
        ~ " as hundreds cross join " ~ ten ~ " as thousands"
        ~ " where ones.digit + tens.digit + hundreds.digit + thousands.digit > 0)"
    ) -%}
{% endmacro %}
