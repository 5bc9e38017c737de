"""E-mail, texts and the web site, in SQL: what the last two months hold of them, and the nights.

As many as in the plan that the targets of a night are taken from: two million e-mail events a day
at twenty million customers. What became of the hub's own messages is not told here.
"""

from __future__ import annotations

import datetime as dt

from benchmarks.nightly.size import HISTORY_END, LAST_NIGHT

KEPT_DAYS = 60
EVERY_DAYS = 10  # one e-mail and one text, to those who agreed
SESSIONS = 1_500_000 / 20_000_000  # for each customer and day
STARTED = HISTORY_END - dt.timedelta(days=KEPT_DAYS)

SENDS = """
    select
        c,
        number,
        c * 100 + number as send,
        day_between(
            date '{started}' + number * {every}, date '{started}' + number * {every} + {every} - 1,
            c * 100 + number, '{channel}'
        ) as sent_on,
        cast(sent_on as timestamp) + to_seconds(whole(50400, 57600, send, 'at')) as sent_at
    from customers
    cross join (
        select cast(number as integer) as number from range({numbers}) as numbers (number)
    )
    where
        chance(c, 'consent:global') < 0.90
        and chance(c, 'consent:{channel}') < {agreed} / 0.90
        and registered_on < date '{started}' + number * {every}
"""

EMAILS = """
    with sends as ({email_sends}),
    events as (
        select
            *,
            case
                when chance(send, 'bounce') < 0.01 then 'bounce'
                else 'delivered'
            end as event_type,
            sent_at as event_at
        from sends
        union all
        select *, 'open', sent_at + to_seconds(whole(5, 3600, send, 'machine'))
        from sends
        where chance(send, 'bounce') >= 0.01 and chance(send, 'machine') < 0.10
        union all
        select *, 'open', sent_at + to_seconds(whole(60, 129600, send, 'opened'))
        from sends
        where chance(send, 'bounce') >= 0.01 and chance(send, 'open') < 0.35
        union all
        select *, 'click', sent_at + to_seconds(whole(60, 129600, send, 'opened') + 40)
        from sends
        where chance(send, 'bounce') >= 0.01 and chance(send, 'open') < 0.05
        union all
        select *, 'complaint', sent_at + to_seconds(whole(60, 129600, send, 'opened') + 90)
        from sends
        where chance(send, 'bounce') >= 0.01 and chance(send, 'open') < 0.0005
    )
    select
        send || '-' || event_type || '-' || epoch(event_at) as event_id,
        c as household_id,
        'newsletter' as campaign_id,
        'newsletter:' || number || ':' || c as send_id,
        event_type,
        event_at,
        case when event_type = 'open' then event_at - sent_at < interval 1 hour end
            as is_machine_open,
        case
            when event_type = 'bounce' then one_of(['hard', 'soft', 'soft'], c, 'bounces')
        end as bounce_type
    from events
    where event_at >= date '{first}' and event_at < date '{last}' + 1
"""

TEXTS = """
    select
        cast(send as varchar) as event_id,
        c as household_id,
        'monthly_text' as campaign_id,
        case when chance(send, 'failed') < 0.03 then 'failed' else 'delivered' end as event_type,
        sent_at as event_at,
        case
            when chance(send, 'failed') < 0.03
                then one_of(['permanent', 'temporary', 'temporary'], c, 'fails')
        end as error_code
    from ({sms_sends})
    where sent_on between date '{first}' and date '{last}'
"""

SESSIONS_QUERY = """
    with drawn as (
        select
            customers.c,
            registered_on,
            unnest(range(cast(
                floor(activity * {sessions} + chance(customers.c, 'sessions')) as bigint
            ))) as number
        from customers
        inner join real_households using (household_number)
    ),
    visited as (
        select
            c,
            c * 10000 + number as session,
            day_between(date '{started}', date '{final}', session, 'visited') as visited_on,
            registered_on
        from drawn
    )
    select
        cast(session as varchar) as session_id,
        case when chance(session, 'signed_in') < 0.67 then c end as household_id,
        moment(visited_on, session, 'visited_at') as started_at,
        one_of(['phone', 'phone', 'tablet', 'desktop', 'app'], session, 'device') as device,
        1 + whole(0, 6, session, 'products') + whole(0, 5, session, 'pages') as page_views,
        whole(0, 6, session, 'products') as products_viewed,
        case when chance(session, 'cart') < 0.15 then 1 else 0 end as carts,
        case when carts > 0 then whole(500, 15000, session, 'worth') / 100 else 0 end
            as cart_value,
        case when products_viewed > 0 then one_of(categories, session, 'category') end
            as last_category,
        null as basket_id
    from visited
    cross join (
        select list(distinct product_category order by product_category) as categories
        from products
        where product_category is not null
    )
    where visited_on between date '{first}' and date '{last}' and visited_on >= registered_on
"""


def told(first: dt.date, last: dt.date) -> dict[str, object]:
    """Return what the queries above leave to fill in."""
    known = {"started": STARTED, "every": EVERY_DAYS}
    return known | {
        "sessions": SESSIONS * (LAST_NIGHT - STARTED).days,
        "email_sends": SENDS.format(
            **known, channel="email", agreed=0.68, numbers=_numbers(first, last)
        ),
        "sms_sends": SENDS.format(
            **known, channel="sms", agreed=0.45, numbers=_numbers(first, last)
        ),
    }


def _numbers(first: dt.date, last: dt.date) -> str:
    """Return the range of the sends that can have an event between two days."""
    since = max((first - STARTED).days // EVERY_DAYS - 1, 0)
    return f"{since}, {(last - STARTED).days // EVERY_DAYS + 1}"
