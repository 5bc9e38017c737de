"""The CRM of the made-up people, in SQL: the rules of the demo, for any number of them."""

from __future__ import annotations

HOUSEHOLDS = """
    with known as (
        select
            *,
            greatest(registered_on + 1, date '{start}') as first_change,
            chance(c, 'change') < {changed} and registered_on < date '{end}' as was_changed,
            chance(c, 'closed') < {closed} and registered_on < date '{end}' - 400 as was_closed
        from customers
        where registered_on <= date '{last}'
    ),
    changes as (
        select
            *,
            chance(c, 'kind') as kind,
            day_between(first_change, date '{end}', c, 'changed_on') as changed_on
        from known
    ),
    versions as (
        select
            c, household_number, registered_on,
            moment(registered_on, c, 'registered_at') as updated_at,
            false as is_closed, 0 as addresses, 0 as emails, 0 as phones
        from known
        where registered_on >= date '{first}'
        union all
        select
            c, household_number, registered_on,
            moment(changed_on, c, 'changed_at'),
            false,
            case when kind < 0.4 then 1 else 0 end,
            case when kind between 0.4 and 0.7 then 1 else 0 end,
            case when kind > 0.7 then 1 else 0 end
        from changes
        where was_changed and changed_on between date '{first}' and date '{last}'
        union all
        select
            c, household_number, registered_on,
            moment(closed_on, c, 'closed_at'),
            true, 0, 0, 0
        from (
            select
                *,
                day_between(
                    case when was_changed then changed_on else first_change end + 1,
                    date '{end}' + 1,
                    c,
                    'closed_on'
                ) as closed_on
            from changes
            where was_closed
        )
        where closed_on between date '{first}' and date '{last}'
        union all
        -- What was recorded on the nights: one record in 170 each, some of them closed.
        select
            c, household_number, registered_on,
            moment(night, c, 'touched_at'),
            chance(c, 'touched' || night) < {closings},
            case when chance(c, 'what' || night) < 0.2 then day(night) else 0 end,
            case when chance(c, 'what' || night) between 0.2 and 0.4 then day(night) else 0 end,
            case when chance(c, 'what' || night) between 0.4 and 0.5 then day(night) else 0 end
        from known
        inner join {nights} as nights on chance(c, 'touched' || night) < {changes}
        where registered_on < night and not was_closed
    ),
    named as (
        select
            *,
            case
                when chance(c, 'gender') < 0.50 then 'F'
                when chance(c, 'gender') < 0.885 then 'M'
                when chance(c, 'gender') < 0.90 then 'X'
            end as gender
        from versions
    ),
    addressed as (
        select
            *,
            -- One household in twenty lives at the address of the one before it.
            case when chance(c, 'roof') < 0.05 and addresses = 0 then c - 1 else c end as roof
        from named
    )
    select
        c as household_id,
        registered_on,
        {first_name} as first_name,
        {last_name} as last_name,
        {email} as email,
        case
            when phones = 0 and chance(c, 'phone:fault') < 0.08 then null
            when phones = 0 and chance(c, 'phone:fault') < 0.10 then {phone_of_other}
            else {phone}
        end as phone,
        case
            when chance(c, 'born:fault') < 0.20 then null
            when chance(c, 'born:fault') < 0.22 then date '1900-01-01'
            else day_between(date '1930-01-01', date '1998-12-31', c, 'born')
        end as birth_date,
        gender,
        case
            when chance(c, 'language') < 0.08 then 'es'
            when chance(c, 'language') >= 0.13 then 'en'
        end as language,
        'US' as country,
        town.region as region,
        town.city as city,
        case
            when addresses > 0 or chance(roof, 'line:fault') >= 0.04
                then whole(1, 9899, roof, 'number' || addresses) || ' '
                || one_of(streets(), roof, 'street' || addresses)
        end as address_line,
        town.prefix || lpad(cast(whole(1, 59, roof, 'postal' || addresses) as varchar), 2, '0')
            as postal_code,
        age as age_band,
        income as income_band,
        home_ownership,
        marital_status,
        household_size,
        household_comp as household_composition,
        kids_count,
        chance(c, 'test') < 0.003 as is_test,
        chance(c, 'blocked') < 0.006 as is_blocked,
        chance(c, 'employee') < 0.01 as is_employee,
        case when is_closed then updated_at end as deleted_at,
        updated_at
    from (select *, one_of(towns(), roof, 'town' || addresses) as town from addressed)
    inner join real_households using (household_number)
"""


def _own_email(c: str) -> str:
    return (
        f"letters({_first_name(c)}) || '.' || letters({_last_name(c)}) || '.' || ({c}) || '@' "
        f"|| one_of(domains(), {c}, 'domain')"
    )


def _first_name(c: str) -> str:
    return (
        f"case when chance({c}, 'gender') < 0.5 then one_of(female_names(), {c}, 'first_name') "
        f"else one_of(male_names(), {c}, 'first_name') end"
    )


def _last_name(c: str) -> str:
    return f"one_of(last_names(), {c}, 'last_name')"


def _email() -> str:
    own, other = _own_email("c"), _own_email("c - 1")
    return f"""
        case
            when emails > 0
                then letters({_last_name("c")}) || c || '.' || emails || '@'
                || one_of(domains(), c, 'domain' || emails)
            when chance(c, 'email:fault') < 0.03 then null
            when chance(c, 'email:fault') < 0.04 then replace({own}, '@', '.')
            when chance(c, 'email:fault') < 0.055 then {other}
            when chance(c, 'email:untidy') < 0.025 then upper({own})
            when chance(c, 'email:untidy') < 0.05 then ' ' || {own} || '  '
            else {own}
        end"""


def _phone(c: str) -> str:
    """Return a number whose exchange begins with a one, as none in North America does."""
    area = f"one_of(area_codes(), {c}, 'area' || phones)"
    rest = f"cast(1000000 + whole(0, 999999, {c}, 'line' || phones) as varchar)"
    return f"""
        case draw({c}, 'format', 3)
            when 0 then '(' || {area} || ') ' || left({rest}, 3) || '-' || right({rest}, 4)
            when 1 then {area} || '-' || left({rest}, 3) || '-' || right({rest}, 4)
            else '+1' || {area} || {rest}
        end"""


# What the query above leaves to fill in: it is long enough.
PEOPLE = {
    "first_name": _first_name("c"),
    "last_name": _last_name("c"),
    "email": _email(),
    "phone": _phone("c"),
    "phone_of_other": _phone("(c - 1)"),
}
