{#
    A number that somebody decided, from the seed `thresholds`: where a model is built a literal
    with its name, for what is compared with a literal is looked for where it lies, and not after
    the customers of every section have been joined. Unit tests give the seed rows of their own.
#}

{% macro threshold(name) %}
    {%- set asked = "select value from " ~ ref('thresholds') ~ " where name = '" ~ name ~ "'" -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'test') and model.resource_type != 'unit_test' -%}
        {%- set told = run_query(asked).rows -%}
        {%- if told -%}
            {%- do return(told[0][0] | int ~ " /* " ~ name ~ " */") -%}
        {%- endif -%}
    {%- endif -%}
    {%- do return("(" ~ asked ~ ")") -%}
{% endmacro %}

{# Which record of a merged customer gives an attribute, from the seed `survivorship`. #}

{% macro survivorship_rule(attribute) %}
    {%- do return("(select rule from " ~ ref('survivorship') ~ " where attribute = '" ~ attribute ~ "')") -%}
{% endmacro %}
