{#
    The date that this build is for, as a literal: `date '2017-11-21'`.

    The clock is an argument: it stands in the build itself, in `raw.build`, one row that is
    written when the batches are pinned. Nothing asks the machine what day it is, and a build of
    any past day is the same call. While dbt only parses or compiles, a placeholder stands in.
    Unit tests override this macro.
#}

{% macro business_date() %}
    {% if not execute or flags.WHICH in ('parse', 'list') %}
        {% do return("date '1970-01-01'") %}
    {% endif %}
    {# By name: a source asked for only while running is one that dbt did not know of. #}
    {% if adapter.get_relation(target.database, 'raw', 'build') is none %}
        {% if flags.WHICH in ('build', 'run', 'test', 'show') %}
            {% do exceptions.raise_compiler_error(
                "There is no build to work in: fork one from live with `scv dev`, then run dbt again."
            ) %}
        {% endif %}
        {% do return("date '1970-01-01'") %}
    {% endif %}
    {% set answer = run_query("select cast(business_date as varchar) from raw.build") %}
    {% do return("date '" ~ answer.rows[0][0] ~ "'") %}
{% endmacro %}

{#
    The same where a model also reads the column that it stands in: a literal is compared with what
    lies in one table before that is joined with others. Unit tests give the row that holds it.
#}
{% macro business_date_in(column) %}
    {%- do return(column if model.resource_type == 'unit_test' else business_date()) -%}
{% endmacro %}
