-- A row is a section that has not exactly the customers of the household master, which are its
-- records but for those closed or merged into another: the view's inner joins would lose somebody.

with

households as (

    select count(*) as customers
    from {{ ref('int_households_latest') }}
    where
        deleted_at is null
        and customer_id not in (select customer_id from {{ ref('int_customers_resolved') }})

),

sections as (

    {% for section in ['single_customer_view', 'customer_identity', 'customer_consents', 'customer_loyalty', 'customer_purchases', 'customer_service', 'customer_predictions', 'customer_micro_segments', 'customer_messages', 'customer_web'] %}
    select '{{ section }}' as section, count(*) as customers, count(distinct customer_id) as ids from {{ ref(section) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select sections.section, sections.customers, sections.ids, households.customers as expected
from sections
cross join households
where sections.customers <> households.customers or sections.ids <> households.customers
