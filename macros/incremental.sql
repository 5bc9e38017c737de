{#
    The rows that this model has not taken yet: those of batches that the base was not made of.
    On most nights that is today's batch; after a table came late it is both; a corrected or late
    batch of a past date is among them. Dates are literals, so that only their files are opened.
    A full build takes every pinned batch, and must come out the same.

    A model that keeps the latest row of each key cannot take a row back: with `anew` it is made
    from every batch again when anything but newer batches came.
#}

{% macro new_batches(table, anew=false) %}
    {%- if not execute or not is_incremental() -%}
        {%- do return("true") -%}
    {%- endif -%}
    {%- set changed = changed_batches(table) -%}
    {%- if not changed.is_told or (anew and not changed.are_newer) -%}
        {%- do return("true") -%}
    {%- elif not changed.to_take -%}
        {%- do return("false") -%}
    {%- elif changed.are_newer -%}
        {%- do return("batch_date > " ~ changed.known if changed.known else "true") -%}
    {%- endif -%}
    {%- do return("batch_date in (" ~ changed.to_take | join(", ") ~ ")") -%}
{% endmacro %}

{# For a test: the rows of batches that this build took, where it carries the rest on. #}
{% macro taken_batches(tables) %}
    {%- set conditions = [] -%}
    {%- for table in tables if execute and not flags.FULL_REFRESH -%}
        {%- set changed = changed_batches(table) -%}
        {%- if changed.is_told and changed.known and changed.are_newer -%}
            {%- do conditions.append(
                "batch_date in (" ~ changed.to_take | join(", ") ~ ")" if changed.to_take
                else "false"
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not conditions or conditions | length < tables | length -%}
        {%- do return("true") -%}
    {%- endif -%}
    {%- do return("(" ~ conditions | join(" or ") ~ ")") -%}
{% endmacro %}

{#
    Before an aggregate by batch takes what is new: away with the rows of batches that were
    replaced or are gone. A new version may have fewer rows, or none. A model fed by two tables
    names the part of each: `forget_replaced('dispatches', contact_source='hub')`.
#}
{% macro forget_replaced(table) %}
    {%- if not execute or not is_incremental() -%}
        {%- do return("") -%}
    {%- endif -%}
    {%- set changed, conditions = changed_batches(table), ["true"] -%}
    {%- if changed.is_told and not changed.to_forget -%}
        {%- do return("") -%}
    {%- elif changed.is_told -%}
        {%- do conditions.append("batch_date in (" ~ changed.to_forget | join(", ") ~ ")") -%}
    {%- endif -%}
    {%- for column, value in kwargs.items() -%}
        {%- do conditions.append(column ~ " = '" ~ value ~ "'") -%}
    {%- endfor -%}
    {%- do return("delete from " ~ itself() ~ " where " ~ conditions | join(" and ")) -%}
{% endmacro %}

{# Before a model of latest rows is made anew: away with everything. #}
{% macro forget_unless_newer(table) %}
    {%- if execute and is_incremental() -%}
        {%- set changed = changed_batches(table) -%}
        {%- if not changed.is_told or not changed.are_newer -%}
            {%- do return("delete from " ~ itself()) -%}
        {%- endif -%}
    {%- endif -%}
    {%- do return("") -%}
{% endmacro %}

{#
    What was told in `raw.changed_batches` when the batches were pinned, dates as literals:
    `to_take` (new and replaced), `to_forget` (replaced and gone), `known` (the newest batch of the
    base that is as it was), `are_newer` (nothing came but batches after it). In a build that was
    pinned before there was such a table nothing is told.
#}
{% macro changed_batches(table) %}
    {%- set named = graph.sources.values() | selectattr('source_name', 'equalto', 'raw')
        | selectattr('name', 'equalto', table) | list -%}
    {%- if not named -%}
        {%- do exceptions.raise_compiler_error("There is no raw table " ~ table) -%}
    {%- endif -%}
    {%- if adapter.get_relation(target.database, 'raw', 'changed_batches') is none -%}
        {%- do return({'is_told': false}) -%}
    {%- endif -%}
    {%- set changes = run_query(
        "select cast(batch_date as varchar), change from raw.changed_batches where table_name = '"
        ~ table ~ "' order by batch_date"
    ).rows -%}
    {%- set newest = run_query(
        "select cast(max(batch_date) as varchar) from raw.batch_files where table_name = '" ~ table
        ~ "' and batch_date not in (select batch_date from raw.changed_batches where table_name = '"
        ~ table ~ "')"
    ).rows[0][0] -%}
    {%- set ns = namespace(to_take=[], to_forget=[], are_newer=true) -%}
    {%- for day, change in changes -%}
        {%- do ns.to_take.append("date '" ~ day ~ "'") if change != 'gone' -%}
        {%- do ns.to_forget.append("date '" ~ day ~ "'") if change != 'new' -%}
        {%- if change != 'new' or (newest and day < newest) -%}
            {%- set ns.are_newer = false -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do return({
        'is_told': true,
        'to_take': ns.to_take,
        'to_forget': ns.to_forget,
        'known': "date '" ~ newest ~ "'" if newest else none,
        'are_newer': ns.are_newer,
    }) -%}
{% endmacro %}
