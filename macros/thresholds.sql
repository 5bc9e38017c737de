{# A number that somebody decided, from the seed `thresholds`. #}

{% macro threshold(name) %}
    {%- do return("(select value from " ~ ref('thresholds') ~ " where name = '" ~ name ~ "')") -%}
{% endmacro %}

{# Which record of a merged customer gives an attribute, from the seed `survivorship`. #}

{% macro survivorship_rule(attribute) %}
    {%- do return("(select rule from " ~ ref('survivorship') ~ " where attribute = '" ~ attribute ~ "')") -%}
{% endmacro %}
