with

source as (

    select * from {{ source('raw', 'households') }}

),

trimmed as (

    select
        *,
        deleted_at is null as is_open,
        lower(trim(email)) as typed_email,
        {{ without('phone', '[^0-9]') }} as phone_digits,
        nullif(lower({{ without('address_line', '[ .,;:/#-]') }}), '') as street_key,
        nullif(upper({{ without('postal_code', '[ -]') }}), '') as postal_key
    from source

),

final as (

    select
        -- keys
        household_id as customer_id,
        cast(household_id as varchar) as client_customer_id,

        -- contact; of a closed record only where never to write to again
        case when is_open then nullif(trim(first_name), '') end as first_name,
        case when is_open then nullif(trim(last_name), '') end as last_name,
        case
            when {{ matches_fully('typed_email', '[^@ ]+@[^@ ]+[.][^@ .]+') }} then typed_email
        end as email_norm,
        case
            when length(phone_digits) = 10 then '+1' || phone_digits
            when length(phone_digits) = 11 and left(phone_digits, 1) = '1' then '+' || phone_digits
        end as phone_e164,
        case when is_open then nullif(trim(address_line), '') end as address_line,
        case when is_open then nullif(trim(city), '') end as city,
        case when is_open then nullif(trim(postal_code), '') end as postal_code,
        case when is_open then street_key || '|' || postal_key end as address_key,

        -- who
        case
            when is_open
                then nullif(nullif(birth_date, date '1900-01-01'), date '1970-01-01')
        end as birth_date,
        case gender
            when 'F' then 'female'
            when 'M' then 'male'
            when 'X' then 'other'
            else 'unknown'
        end as gender,
        coalesce(nullif(lower(trim(language)), ''), 'unknown') as stated_language_code,
        coalesce(nullif(upper(trim(country)), ''), 'unknown') as country_code,
        coalesce(nullif(upper(trim(region)), ''), 'unknown') as region,
        age_band,
        income_band,
        home_ownership,
        marital_status,
        household_size,
        household_composition,
        kids_count,

        -- flags
        coalesce(is_test, false) as is_test,
        coalesce(is_blocked, false) as is_blocked,
        coalesce(is_employee, false) as is_employee,

        -- times
        registered_on as registration_date,
        updated_at,
        deleted_at,

        -- lineage
        batch_date

    from trimmed

)

select * from final
