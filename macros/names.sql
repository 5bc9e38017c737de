{#
    Relations are written without their database, so that a build may be copied, renamed and
    published as a whole: a view that named its database would point into the one it was
    forked from. On Snowflake the same holds for a clone.
#}

{% macro ref() %}
    {% do return(builtins.ref(*varargs, **kwargs).include(database=false)) %}
{% endmacro %}

{% macro source() %}
    {% do return(builtins.source(*varargs, **kwargs).include(database=false)) %}
{% endmacro %}

{# The model's own table, as the base build left it. In a unit test `this` is the name of the given rows. #}
{% macro itself() %}
    {% do return(this if this is string else this.include(database=false)) %}
{% endmacro %}

{# A schema is a room: `staging`, not `<target schema>_staging`. #}
{% macro generate_schema_name(custom_schema_name, node) %}
    {{- (custom_schema_name or target.schema) | trim -}}
{% endmacro %}
