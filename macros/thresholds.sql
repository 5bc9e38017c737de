{# A number that somebody decided, from the seed `thresholds`. #}

{% macro threshold(name) %}
    {%- do return("(select value from " ~ ref('thresholds') ~ " where name = '" ~ name ~ "')") -%}
{% endmacro %}
