with

rows_set_aside as (

    select * from {{ ref('int_rows_set_aside_resolved') }}

),

flags as (

    select
        customer_id,
        table_name || '.' || reason as dq_flag
    from rows_set_aside

),

final as (

    select
        customer_id,
        {{ dbt.listagg('dq_flag', "', '", 'order by dq_flag') }} as dq_flags

    from flags
    group by customer_id
    order by customer_id

)

select * from final
