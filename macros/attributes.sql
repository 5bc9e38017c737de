{#
    The attributes of the single customer view, in its order, as its contract lists them: a list of
    `{name, position, kind}`. The kind is integer, decimal, date, boolean or text by the data type;
    `personal` where the view's YAML says `personal: true`, and `not profiled` where it says
    `profiled: false`: of those two nothing is told but whether there is a value.

    Read from dbt's graph, so that an attribute that is added needs no second place. While dbt only
    parses there is no graph yet, and the list is empty. Unit tests override this macro.
#}

{% macro profiled_attributes() %}
    {%- set found = [] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values()
            if node.resource_type == 'model' and node.name == 'single_customer_view' -%}
            {%- for column in node.columns.values() -%}
                {%- do found.append({
                    'name': column.name,
                    'position': loop.index,
                    'kind': kind_of_attribute(column.data_type, column.config.get('meta', {})),
                }) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {%- do return(found) -%}
{% endmacro %}

{% macro kind_of_attribute(data_type, meta) %}
    {%- set kinds = {
        'bigint': 'integer', 'integer': 'integer', 'smallint': 'integer', 'int': 'integer',
        'decimal': 'decimal', 'numeric': 'decimal', 'double': 'decimal', 'float': 'decimal',
        'date': 'date', 'timestamp': 'date', 'boolean': 'boolean',
    } -%}
    {%- if meta.get('personal', false) -%}
        {%- do return('personal') -%}
    {%- elif not meta.get('profiled', true) -%}
        {%- do return('not profiled') -%}
    {%- endif -%}
    {%- do return(kinds.get((data_type or '').lower().split('(')[0].strip(), 'text')) -%}
{% endmacro %}

{#
    How many of the thousand control buckets are looked at: all, or as many as hold
    `profiled_customers` of the customers that this build has. Unit tests override this macro.
#}
{% macro profiled_buckets() %}
    {%- if not execute or flags.WHICH not in ('build', 'run')
        or adapter.get_relation(target.database, 'marts', 'customer_identity') is none -%}
        {%- do return(1000) -%}
    {%- endif -%}
    {%- set told = run_query(
        "select " ~ threshold('profiled_customers') ~ ", count(*) from " ~ ref('customer_identity')
    ).rows[0] -%}
    {%- set most, all = told[0] | int, told[1] | int -%}
    {%- do return(1000 if all <= most else [1, 1000 * most // all] | max) -%}
{% endmacro %}

{# Days from 1970-01-01 to a date, or to the date of a time. #}
{% macro days_of(day) %}
    {%- do return("cast(cast(" ~ day ~ " as date) - date '1970-01-01' as bigint)") -%}
{% endmacro %}

{#
    A whole number without all but its first three or four digits, towards zero: 12,345 is 12,300
    and 123,456 is 123,400. What is counted by it has few groups, and keeps the order and the digits
    that a reader looks at.
#}
{% macro by_first_digits(number) %}
    {%- set cases = [] -%}
    {%- for exponent in range(4, 18, 2) -%}
        {%- do cases.append(
            "when abs(" ~ number ~ ") < " ~ 10 ** exponent ~ " then " ~ 10 ** (exponent - 4)
        ) -%}
    {%- endfor -%}
    {%- set step = "case " ~ cases | join(" ") ~ " else " ~ 10 ** 14 ~ " end" -%}
    {%- do return(number ~ " - mod(" ~ number ~ ", " ~ step ~ ")") -%}
{% endmacro %}

{# The power of ten of a whole number's first digit. #}
{% macro power_of_ten_in(number) %}
    {%- set cases = [] -%}
    {%- for exponent in range(18) -%}
        {%- do cases.append(
            "when abs(" ~ number ~ ") < " ~ 10 ** (exponent + 1) ~ " then " ~ 10 ** exponent
        ) -%}
    {%- endfor -%}
    {%- do return("case " ~ cases | join(" ") ~ " end") -%}
{% endmacro %}
