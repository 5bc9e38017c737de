with

batches as (

    select * from {{ ref('stg_pinned_batches') }}

),

purchases as (

    select * from {{ ref('customer_purchases') }}

),

sources as (

    select
        max(case when is_consent then as_of_date end) as consent_source_as_of,
        min(as_of_date) as oldest_source_as_of,
        coalesce({{ dbt.listagg(
            "case when is_stale then table_name end", "', '", "order by table_name"
        ) }}, '') as stale_sources
    from batches

),

gap as (

    -- What one-order buyers are measured by: the middle customer's gap. Widened first: the
    -- median of two values lies between them, and would be cut to their scale.
    select
        {{ money('median(' ~ money('avg_days_between_orders') ~ ')') }}
            as median_days_between_orders
    from purchases

),

final as (

    select
        sources.consent_source_as_of,
        sources.oldest_source_as_of,
        sources.stale_sources,
        gap.median_days_between_orders

    from sources
    cross join gap

)

select * from final
