{#
    A row says that the model has not exactly the customers of `customer_identity`, each once: the
    view's inner joins would lose somebody, or double them. Equal counts and equal sums of hashes
    are equal customers, and cost a tenth of telling the customers apart.
#}

{% test every_customer_once(model, column_name) %}

    with

    expected as (

        select count(*) as customers, {{ sum_of_hashes(column_name) }} as id_hash
        from {{ ref('customer_identity') }}

    ),

    found as (

        select count(*) as customers, {{ sum_of_hashes(column_name) }} as id_hash
        from {{ model }}

    )

    select found.customers as found, expected.customers as expected
    from found
    cross join expected
    where found.customers <> expected.customers or found.id_hash <> expected.id_hash

{% endtest %}
