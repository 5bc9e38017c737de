{#
    A key of ours for something that the client names: a letter and 16 hexadecimal digits of the
    md5 of its name. Nothing has to remember it: it is the same in every build, on every engine and
    after any correction, so it cannot change. `customer_identity` tests that no two are alike.
#}
{% macro surrogate_key(letter, text) %}
    {%- do return("'" ~ letter ~ "' || left(md5(" ~ text ~ "), 16)") -%}
{% endmacro %}

{# The key for life of one record of the client's customer database. #}
{% macro customer_surrogate(client_id) %}
    {%- do return(surrogate_key('C', "'customer:' || cast(" ~ client_id ~ " as varchar)")) -%}
{% endmacro %}

{#
    What a person draws of a thousand, 0 to 999, for one purpose: the same for life. From the key
    that no merge changes; the purpose is a text, so that one draw says nothing of another.
#}
{% macro drawn_for_life(purpose, scv_customer_id) %}
    {%- do return(hash_bucket(purpose ~ " || " ~ scv_customer_id, 1000)) -%}
{% endmacro %}
