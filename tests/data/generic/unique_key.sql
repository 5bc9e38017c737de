{#
    A row is a key that stands more than once, or whose first column is empty: the grain is broken.

    A model that keeps its rows from build to build names the raw tables that bring it new ones:
    only their new batches can break what held in the base, so only their keys are looked at.
#}

{% test unique_key(model, columns=none, column_name=none, batches_of=[]) %}

    {%- set columns = columns or [column_name] -%}
    {%- set key = columns | join(', ') -%}
    {%- set is_new = taken_batches(batches_of) %}

    select {{ key }}, count(*) as row_count
    from {{ model }}
    {%- if is_new != 'true' and 'batch_date' in columns %}
    where {{ is_new }}
    {%- elif is_new != 'true' %}
    where ({{ key }}) in (select {{ key }} from {{ model }} where {{ is_new }})
    {%- endif %}
    group by {{ key }}
    having count(*) > 1 or {{ columns[0] }} is null

{% endtest %}
