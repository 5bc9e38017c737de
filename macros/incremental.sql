{#
    The rows that this model has not taken yet: those of batches later than the last it holds.
    A build's base is the build of the day before, so on a night that is today's batch, and after
    a table came late it is both. The date is a literal, so that only today's file is opened.
    A full build takes every pinned batch, and must come out the same.
#}

{% macro new_batches() %}
    {%- if not execute or not is_incremental() -%}
        {%- do return("true") -%}
    {%- endif -%}
    {%- set answer = run_query("select cast(max(batch_date) as varchar) from " ~ this.include(database=false)) -%}
    {%- set last = answer.rows[0][0] -%}
    {%- do return("batch_date > date '" ~ last ~ "'" if last else "true") -%}
{% endmacro %}
