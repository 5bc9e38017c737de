"""What people allowed and forbade, and which of them turned out to be one, in SQL."""

from __future__ import annotations

CONSENTS = """
    with asked as (
        select
            c as household_id,
            channel,
            allowed,
            opt_out,
            registered_on,
            greatest(registered_on, date '2015-01-01') as asked_on,
            chance(c, 'consent:global') < 0.90 as allows,
            chance(c, 'consent:' || channel) < allowed / 0.90 as allows_channel
        from customers
        cross join (
            values ('global', 0.90, 0.01), ('email', 0.68, 0.12), ('sms', 0.45, 0.05),
                ('direct_mail', 0.70, 0.05)
        ) as channels (channel, allowed, opt_out)
        where registered_on <= date '{last}'
    ),
    answered as (
        select
            *,
            allows and (channel = 'global' or allows_channel) as is_in
        from asked
    ),
    events as (
        -- Half of those who do not opt in said no; the other half gave no answer.
        select
            household_id,
            channel,
            case when is_in then 'opt_in' else 'opt_out' end as status,
            moment(asked_on, household_id, 'asked:' || channel) as event_at,
            case
                when registered_on < date '2015-01-01' then 'import'
                when is_in then one_of(['web_form', 'store'], household_id, 'form')
                else 'service_desk'
            end as capture_source
        from answered
        where is_in or chance(household_id, 'asked:' || channel) < 0.5
        union all
        select
            household_id,
            channel,
            'opt_out',
            moment(
                day_between(
                    greatest(asked_on + 1, date '{start}'), date '{end}', household_id, 'out_on'
                ),
                household_id,
                'out:' || channel
            ),
            one_of(['message_link', 'service_desk', 'web_form'], household_id, 'out')
        from answered
        where
            is_in
            and asked_on < date '{end}'
            and chance(household_id, 'out:' || channel) < opt_out
        union all
        -- What is said on the nights: a quarter of it is a yes.
        select
            household_id,
            channel,
            case when chance(household_id, 'yes' || night) < 0.25 then 'opt_in' else 'opt_out' end,
            moment(night, household_id, 'said:' || channel),
            one_of(['message_link', 'service_desk', 'web_form'], household_id, 'said')
        from asked
        inner join {nights} as nights
            on chance(household_id, channel || night) < {consents} / 4
        where asked_on < night
    )
    select *
    from events
    where event_at >= date '{first}' and event_at < date '{last}' + 1
"""

MERGES = """
    with pairs as (
        -- Into the one before it: a chain arises where that one is merged too, a circle never.
        select
            c as household_id,
            greatest(registered_on + 1, date '{start}') as earliest
        from customers
        where c > 1 and registered_on < date '{end}' and registered_on < date '{last}'
    ),
    merged as (
        select
            household_id,
            day_between(earliest, date '{end}', household_id, 'merged_on') as merged_on
        from pairs
        where chance(household_id, 'merged') < {merged}
    ),
    words as (
        select
            household_id,
            household_id - 1 as merged_into_household_id,
            moment(merged_on, household_id, 'merged_at') as merged_at
        from merged
        union all
        select
            household_id,
            null,
            moment(
                merged_on + cast(whole(5, 60, household_id, 'back_on') as integer),
                household_id,
                'back_at'
            )
        from merged
        where chance(household_id, 'back') < {taken_back}
        union all
        select
            household_id,
            household_id - 1,
            moment(night, household_id, 'merged' || night)
        from pairs
        inner join {nights} as nights
            on chance(household_id, 'merged' || night) < {merges}
        where chance(household_id, 'merged') >= {merged}
    )
    select *
    from words
    where merged_at >= date '{first}' and merged_at < date '{last}' + 1
"""
