{# A row is a combination of the columns that stands more than once: the grain is broken. #}

{% test unique_together(model, columns) %}

    select {{ columns | join(', ') }}, count(*) as row_count
    from {{ model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1

{% endtest %}
