{#
    Which record of a merged customer gives which attribute is decided in the seed `survivorship`.
    Only customers of several records are here: nearly all are one record, and need no deciding.
#}

{% set texts = [
    'first_name', 'last_name', 'email_norm', 'phone_e164', 'address_line', 'city', 'postal_code',
    'address_key', 'age_band', 'income_band', 'home_ownership', 'marital_status',
    'household_size', 'household_composition', 'kids_count',
] %}
{# Here silence has a word of its own, and is no knowledge. #}
{% set spoken = ['gender', 'stated_language_code', 'country_code', 'region'] %}
{% set dates = ['birth_date', 'registration_date'] %}
{% set flags = ['is_test', 'is_blocked', 'is_employee'] %}

with

households as (

    select * from {{ ref('int_households_latest') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

members as (

    select customer_id as record_id, surviving_customer_id as customer_id from resolved
    union
    select surviving_customer_id as record_id, surviving_customer_id as customer_id from resolved

),

records as (

    -- The surviving record has place 1; then the latest change, then the lowest id.
    select
        members.customer_id,
        members.record_id,
        row_number() over (
            partition by members.customer_id
            order by households.registration_date asc, members.record_id asc
        ) as age_rank,
        row_number() over (
            partition by members.customer_id
            order by
                case when members.record_id = members.customer_id then 0 else 1 end asc,
                households.updated_at desc,
                members.record_id asc
        ) as place,
        {% for attribute in spoken %}
        nullif(households.{{ attribute }}, 'unknown') as {{ attribute }},
        {% endfor %}
        {% for attribute in texts + dates + flags %}
        households.{{ attribute }}{% if not loop.last %},{% endif %}
        {% endfor %}
    from members
    inner join households on members.record_id = households.customer_id

),

decided as (

    select
        records.customer_id,
        count(*) as record_count,
        -- a merge keeps the key for life of the record that was there first
        min_by(records.record_id, records.age_rank) as oldest_record_id,
        {% for attribute in flags %}
        max(
            case
                when
                    records.{{ attribute }}
                    and (records.place = 1 or {{ survivorship_rule(attribute) }} = 'any_record')
                    then 1
                else 0
            end
        ) = 1 as {{ attribute }},
        {% endfor %}
        {% for attribute in texts + spoken + dates %}
        case {{ survivorship_rule(attribute) }}
            when 'surviving_record'
                then max(case when records.place = 1 then records.{{ attribute }} end)
            when 'surviving_else_latest'
                then min_by(
                    records.{{ attribute }},
                    case when records.{{ attribute }} is not null then records.place end
                )
            when 'earliest' then min(records.{{ attribute }})
        end as {{ attribute }}{% if not loop.last %},{% endif %}
        {% endfor %}
    from records
    group by records.customer_id

),

final as (

    select
        -- keys
        customer_id,
        oldest_record_id,

        -- who, where, marks
        {% for attribute in texts + dates + flags %}
        {{ attribute }},
        {% endfor %}
        {% for attribute in spoken %}
        coalesce({{ attribute }}, 'unknown') as {{ attribute }},
        {% endfor %}

        -- numbers
        cast(record_count as integer) as record_count

    from decided

)

select * from final
