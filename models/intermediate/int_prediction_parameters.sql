{{ config(materialized='view') }}

{% set parameters = ['r', 'alpha', 'a', 'b', 'p', 'q', 'gamma'] %}

with

decided as (

    select * from {{ ref('prediction_parameters') }}

),

final as (

    select
        {% for parameter in parameters %}
        max(case when parameter = '{{ parameter }}' then value end) as {{ parameter }},
        {% endfor %}
        max(model_version) as model_version

    from decided

)

select * from final
