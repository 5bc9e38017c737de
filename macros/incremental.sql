{#
    The rows that this model has not taken yet: those of batches later than the last it holds.
    A build's base is the build of the day before, so on a night that is today's batch, and after
    a table came late it is both. The date is a literal, so that only today's file is opened.
    A full build takes every pinned batch, and must come out the same.

    A model fed by two tables asks for each of them: `new_batches('hub', 'contact_source')`.
#}

{% macro new_batches(part=none, part_column=none) %}
    {%- if not execute or not is_incremental() -%}
        {%- do return("true") -%}
    {%- endif -%}
    {%- set where = " where " ~ part_column ~ " = '" ~ part ~ "'" if part else "" -%}
    {%- set query = "select cast(max(batch_date) as varchar) from " ~ this.include(database=false) ~ where -%}
    {%- set last = run_query(query).rows[0][0] -%}
    {%- do return("batch_date > date '" ~ last ~ "'" if last else "true") -%}
{% endmacro %}
