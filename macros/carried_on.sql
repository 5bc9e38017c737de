{#
    A model that carries its rows on from the base, and makes only those anew that something has
    touched. It may do so only when the same code made the base and nothing came but newer batches;
    else everybody is made anew. A full build must come out the same.

    Such a model appends. Before it does, away with the rows of whoever is touched; so whoever has
    none left is who has to be made.
#}

{% macro carries_on(table, window_days=none) %}
    {%- if not execute -%}
        {# dbt learns here what the model may read; in a unit test nothing is carried on. #}
        {%- do customers_touched(window_days) -%}
    {%- endif -%}
    {%- if not execute or not is_incremental() -%}
        {%- do return(false) -%}
    {%- endif -%}
    {%- set changed = changed_batches(table) -%}
    {%- do return(changed.is_told and changed.are_newer and made_by_this_code()) -%}
{% endmacro %}

{# True when the base was made by the code that runs now; a development build never says so. #}
{% macro made_by_this_code() %}
    {%- set told = run_query(
        "select count(*) from information_schema.columns where table_schema = 'raw' "
        ~ "and table_name = 'build' and column_name = 'base_code_version'"
    ).rows[0][0] -%}
    {%- if told == 0 -%}
        {%- do return(false) -%}
    {%- endif -%}
    {%- do return(run_query(
        "select count(*) from raw.build where base_code_version = code_version"
    ).rows[0][0] == 1) -%}
{% endmacro %}

{# Before a model of customers with any sales: away with whoever `customers_touched` names. #}
{% macro forget_touched(table, window_days=none) %}
    {%- if not execute or not is_incremental() -%}
        {%- do return("") -%}
    {%- elif not carries_on(table) -%}
        {%- do return("delete from " ~ itself()) -%}
    {%- endif -%}
    {%- do return(
        "delete from " ~ itself() ~ " where customer_id in (" ~ customers_touched(window_days) ~ ")"
    ) -%}
{% endmacro %}

{# Before a section, which has a row for each customer: away also with who is none any more. #}
{% macro forget_touched_or_gone(table, window_days) %}
    {%- set forgotten = forget_touched(table, window_days) -%}
    {%- if " where " not in forgotten -%}
        {%- do return(forgotten) -%}
    {%- endif -%}
    {%- do return(
        forgotten ~ " or customer_id not in (select customer_id from "
        ~ ref('int_households_resolved') ~ ")"
    ) -%}
{% endmacro %}

{#
    Who has to be made anew: whose sales came, who was merged or parted; and for a window of so many
    days also for whom a day has left it since the base, and who bought what is grouped otherwise
    since: whenever that was, for a last order may be older than the window.
#}
{% macro customers_touched(window_days=none) %}
    select coalesce(resolved.surviving_customer_id, sales.customer_id) as customer_id
    from {{ ref('int_sales_by_customer_store_day') }} as sales
    left join {{ ref('int_customers_resolved') }} as resolved using (customer_id)
    where
        {{ new_batches('transactions') }}
        {%- if window_days %}
        or {{ left_window('sales.business_date', window_days) }}
        {%- endif %}
    union
    select customer_id from {{ ref('int_customers_moved') }}
    {%- if window_days %}
    union
    select lines.customer_id
    from {{ ref('int_order_lines_resolved') }} as lines
    inner join {{ ref('int_products_regrouped') }} as regrouped using (product_id)
    {%- endif %}
{% endmacro %}

{# True for a day that was in the window of the base and is not in that of this build. #}
{% macro left_window(day, days) %}
    {%- if not execute -%}
        {%- do return("false") -%}
    {%- endif -%}
    {%- set before = run_query(
        "select cast(base_business_date as varchar) from raw.build"
    ).rows[0][0] -%}
    {%- do return(
        "(" ~ day ~ " > date '" ~ before ~ "' - " ~ days ~ " and not " ~ within(day, days) ~ ")"
    ) -%}
{% endmacro %}
