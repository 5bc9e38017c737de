{#
    What DuckDB and Snowflake say differently, and nothing else. Each macro dispatches; a test
    holds both to the same answers.
#}

{# True when the whole text fits the pattern; anchors are not needed. #}
{% macro matches_fully(text, pattern) %}
    {{- return(adapter.dispatch('matches_fully')(text, pattern)) -}}
{% endmacro %}

{% macro default__matches_fully(text, pattern) %}
    {%- do return("regexp_full_match(" ~ text ~ ", '" ~ pattern ~ "')") -%}
{% endmacro %}

{% macro snowflake__matches_fully(text, pattern) %}
    {%- do return("regexp_like(" ~ text ~ ", '" ~ pattern | replace('\\', '\\\\') ~ "')") -%}
{% endmacro %}

{# The text without the characters that fit the pattern. #}
{% macro without(text, pattern) %}
    {{- return(adapter.dispatch('without')(text, pattern)) -}}
{% endmacro %}

{% macro default__without(text, pattern) %}
    {%- do return("regexp_replace(" ~ text ~ ", '" ~ pattern ~ "', '', 'g')") -%}
{% endmacro %}

{% macro snowflake__without(text, pattern) %}
    {%- do return("regexp_replace(" ~ text ~ ", '" ~ pattern ~ "', '')") -%}
{% endmacro %}

{#
    A whole number from 0 to buckets - 1, drawn from the md5 of a text: the same for life, on every
    engine, and evenly spread. Randomness is a hash of ids.
#}
{% macro hash_bucket(text, buckets) %}
    {{- return(adapter.dispatch('hash_bucket')(text, buckets)) -}}
{% endmacro %}

{% macro default__hash_bucket(text, buckets) %}
    {%- do return("cast(cast('0x' || left(md5(" ~ text ~ "), 8) as bigint) % " ~ buckets ~ " as integer)") -%}
{% endmacro %}

{# Digit by digit: what reads hexadecimal text on Snowflake cannot be tested without an account. #}
{% macro snowflake__hash_bucket(text, buckets) %}
    {%- set digits = [] -%}
    {%- for place in range(8) -%}
        {%- do digits.append(
            "(position(substr(md5(" ~ text ~ "), " ~ (place + 1) ~ ", 1), '0123456789abcdef') - 1) * "
            ~ 16 ** (7 - place)
        ) -%}
    {%- endfor -%}
    {%- do return("cast(mod(" ~ digits | join(" + ") ~ ", " ~ buckets ~ ") as integer)") -%}
{% endmacro %}

{# The first three letters of the weekday of a date, in lower case: sun, mon, … #}
{% macro weekday(day) %}
    {%- do return("lower(left(dayname(" ~ day ~ "), 3))") -%}
{% endmacro %}

{#
    The client's clock at an instant that is given in UTC, as a timestamp without a zone: whose date
    and hour are local ones, through both changes of the clock. The zone is a variable of the project.
#}
{% macro local_time(instant) %}
    {{- return(adapter.dispatch('local_time')(instant)) -}}
{% endmacro %}

{% macro default__local_time(instant) %}
    {%- do return(
        "timezone('" ~ var('client_time_zone') ~ "', timezone('UTC', " ~ instant ~ "))"
    ) -%}
{% endmacro %}

{% macro snowflake__local_time(instant) %}
    {%- do return(
        "convert_timezone('UTC', '" ~ var('client_time_zone') ~ "', " ~ instant ~ ")"
    ) -%}
{% endmacro %}

{# The local calendar date of an instant. #}
{% macro local_date(instant) %}
    {%- do return("cast(" ~ local_time(instant) ~ " as date)") -%}
{% endmacro %}

{# The local hour of an instant, 0 to 23. #}
{% macro local_hour(instant) %}
    {%- do return("cast(extract(hour from " ~ local_time(instant) ~ ") as integer)") -%}
{% endmacro %}

{# One number for the ids of a table, in no order: equal sums and equal counts are equal ids. #}
{% macro sum_of_hashes(id) %}
    {{- return(adapter.dispatch('sum_of_hashes')(id)) -}}
{% endmacro %}

{% macro default__sum_of_hashes(id) %}
    {%- do return("coalesce(sum(hash(cast(" ~ id ~ " as bigint))), 0)") -%}
{% endmacro %}

{# Of small numbers: a sum of large ones is rounded where the engine sums in floating point. #}
{% macro snowflake__sum_of_hashes(id) %}
    {%- do return(
        "coalesce(sum(mod(abs(hash(cast(" ~ id ~ " as bigint))), 1000000007)), 0)"
    ) -%}
{% endmacro %}
