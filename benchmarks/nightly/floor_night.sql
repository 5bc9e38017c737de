-- A night by hand: what the project does between the client's files and the sections of the view,
-- written for DuckDB alone, for these tables alone, and without any check.

-- step: read the files
create temp table tx as
select * from read_csv(
    '{transactions}',
    columns = {{
        'basket_id': 'bigint', 'product_id': 'bigint', 'household_id': 'bigint',
        'store_id': 'bigint', 'business_date': 'date', 'sold_at': 'timestamp',
        'quantity': 'bigint', 'sales_value': 'decimal(18,4)', 'retail_disc': 'decimal(18,4)',
        'coupon_disc': 'decimal(18,4)', 'coupon_match_disc': 'decimal(18,4)'
    }}
)
where quantity <> 0 or sales_value <> 0;
create temp table said as
select
    household_id, channel, status, cast(event_at as timestamp) as event_at, capture_source
from read_json(
    '{consents}',
    columns = {{
        'household_id': 'bigint', 'channel': 'varchar', 'status': 'varchar',
        'event_at': 'varchar', 'capture_source': 'varchar'
    }}
);
create temp table mailed as
select * from read_csv(
    '{campaign_mailings}',
    columns = {{
        'campaign_id': 'bigint', 'campaign_type': 'varchar', 'household_id': 'bigint',
        'mailed_date': 'date', 'valid_until': 'date'
    }}
);
create temp table redeemed as
select * from read_json(
    '{coupon_redemptions}',
    columns = {{
        'household_id': 'bigint', 'coupon_upc': 'bigint', 'campaign_id': 'bigint',
        'redemption_date': 'date'
    }}
);

create temp table brought_back as
select * from read_csv(
    '{returns}',
    columns = {{
        'return_id': 'varchar', 'basket_id': 'bigint', 'product_id': 'bigint',
        'household_id': 'bigint', 'store_id': 'bigint', 'sold_on': 'date',
        'returned_on': 'date', 'quantity': 'bigint', 'refund_amount': 'decimal(12,2)',
        'reason': 'varchar'
    }}
);
create temp table booked as
select * from read_csv(
    '{loyalty_ledger}',
    columns = {{
        'ledger_id': 'bigint', 'loyalty_id': 'bigint', 'event_at': 'timestamp',
        'type': 'varchar', 'points': 'bigint', 'basket_id': 'bigint', 'expires_on': 'date'
    }}
);
create temp table mail_events as
select * from read_json(
    '{email_events}',
    columns = {{
        'household_id': 'bigint', 'event_type': 'varchar', 'event_at': 'timestamp',
        'is_machine_open': 'boolean'
    }}
);
create temp table text_events as
select * from read_csv(
    '{sms_events}',
    columns = {{
        'event_id': 'varchar', 'household_id': 'bigint', 'campaign_id': 'varchar',
        'event_type': 'varchar', 'event_at': 'timestamp', 'error_code': 'varchar'
    }}
);
create temp table visits as
select * from read_json(
    '{web_sessions}',
    columns = {{
        'household_id': 'bigint', 'started_at': 'timestamp', 'products_viewed': 'integer',
        'carts': 'integer', 'last_category': 'varchar'
    }}
);

-- step: append to the aggregates
insert into store_day
select
    household_id, coalesce(any_value(main_id), household_id), business_date, store_id,
    cast(count(*) as integer), sum(items), sum(net), sum(discount), max(net),
    arg_max(net, sold_at), arg_max(basket_id, sold_at), max(sold_at)
from (
    select
        household_id, business_date, store_id, basket_id, max(sold_at) as sold_at,
        sum(quantity) as items, cast(sum(sales_value) as decimal(18, 4)) as net,
        sum(retail_disc + coupon_match_disc) as discount
    from tx
    group by all
)
left join main on household_id = record_id
group by household_id, business_date, store_id
order by household_id;
insert into line
select
    household_id, coalesce(main_id, household_id), business_date, basket_id, department, category,
    brand, sales_value, product_id
from tx
inner join product using (product_id)
left join main on household_id = record_id
order by household_id;
insert into refund
select household_id, coalesce(main_id, household_id), returned_on, refund_amount, quantity
from brought_back
left join main on household_id = record_id;
insert into contact
select household_id, coalesce(main_id, household_id), mailed_date, true, false, campaign_id
from mailed
left join main on household_id = record_id;
insert into redemption
select household_id, coalesce(main_id, household_id), redemption_date, campaign_id
from redeemed
left join main on household_id = record_id;
insert into message_day
select
    household_id, coalesce(any_value(main_id), household_id), cast(event_at as date) as day,
    count(*) filter (where event_type in ('delivered', 'bounce')),
    count(*) filter (where event_type = 'open' and not is_machine_open),
    count(*) filter (where event_type = 'click')
from mail_events
left join main on household_id = record_id
group by household_id, day
order by household_id;
insert into text_day
select household_id, coalesce(main_id, household_id), cast(event_at as date)
from text_events
left join main on household_id = record_id
order by household_id;
insert into visit
select
    household_id, coalesce(main_id, household_id), started_at, products_viewed, carts,
    last_category
from visits
left join main on household_id = record_id
where household_id is not null
order by household_id;
insert into point_day
select loyalty_id, cast(event_at as date), expires_on, sum(points) from booked group by all;

-- step: latest rows
delete from household where household_id in (select household_id from changed);
insert into household
select * from changed
qualify row_number() over (partition by household_id order by updated_at desc) = 1;
create temp table news as
select
    household_id,
    channel,
    arg_max(status, event_at) = 'opt_in' as is_in,
    arg_max(capture_source, event_at) as source,
    max(event_at) as event_at,
    greatest(
        max(event_at) filter (where status = 'opt_out'), any_value(consent.out_at)
    ) as out_at
from said
left join (select household_id, channel, out_at from consent) as consent
    using (household_id, channel)
group by household_id, channel;
delete from consent
using news
where consent.household_id = news.household_id and consent.channel = news.channel;
insert into consent select * from news;
delete from merge where household_id in (select household_id from merged_now);
insert into merge
select household_id, arg_max(coalesce(merged_into_household_id, -1), merged_at), max(merged_at)
from merged_now
group by household_id;

delete from account where loyalty_id in (select loyalty_id from account_now);
insert into account
select
    loyalty_id, arg_max(household_id, updated_at), arg_max(tier, updated_at),
    cast(arg_max(tier_expiry, updated_at) as date), arg_max(status, updated_at),
    cast(min(enrolled_at) as timestamp)
from account_now
group by loyalty_id;
delete from service_case where case_id in (select case_id from case_now);
insert into service_case
select
    case_id, arg_max(household_id, updated_at), cast(min(opened_at) as timestamp),
    cast(arg_max(closed_at, updated_at) as timestamp)
from case_now
group by case_id;

-- step: who is who
create temp table now_main as
with recursive link as (
    select merge.household_id, into_id
    from merge
    inner join household using (household_id)
    semi join household as target on into_id = target.household_id
    where deleted_at is null or deleted_at >= merged_at
),
step as (
    select household_id as record_id, into_id from link
    union all
    select step.record_id, link.into_id
    from step
    inner join link on step.into_id = link.household_id
)
select record_id, min(into_id) as main_id from step group by record_id;
create temp table moved as
select
    record_id,
    coalesce(main.main_id, record_id) as from_id,
    coalesce(now_main.main_id, record_id) as customer_id
from main
full join now_main using (record_id)
where main.main_id is distinct from now_main.main_id;
update store_day set customer_id = moved.customer_id
from moved where store_day.record_id = moved.record_id;
update line set customer_id = moved.customer_id
from moved where line.record_id = moved.record_id;
update refund set customer_id = moved.customer_id
from moved where refund.record_id = moved.record_id;
update contact set customer_id = moved.customer_id
from moved where contact.record_id = moved.record_id;
update redemption set customer_id = moved.customer_id
from moved where redemption.record_id = moved.record_id;
update message_day set customer_id = moved.customer_id
from moved where message_day.record_id = moved.record_id;
update text_day set customer_id = moved.customer_id
from moved where text_day.record_id = moved.record_id;
update visit set customer_id = moved.customer_id
from moved where visit.record_id = moved.record_id;
create or replace table main as from now_main;
create temp table touched as
select from_id as customer_id from moved
union
select customer_id from moved
union
select coalesce(main_id, household_id) from tx left join main on household_id = record_id;
delete from sale_day where customer_id in (select customer_id from touched);
insert into sale_day
select
    customer_id, day, sum(orders), sum(items), sum(net), sum(discount), max(dearest),
    arg_max(last_net, last_sold_at), arg_max(last_order, last_sold_at)
from store_day
semi join touched using (customer_id)
group by customer_id, day
order by customer_id, day;
create temp table customer as
select household.*
from household
anti join main on household.household_id = main.record_id
where deleted_at is null
order by household_id;

-- step: purchases
create or replace table purchases as
with sums as (
    select
        customer_id,
        min(day, 2) as firsts,
        max(day, 2) as lasts,
        arg_min(orders, day) as first_orders,
        arg_max(last_net, day) as last_order_net,
        arg_max(last_order, day) as last_order,
        sum(orders) as orders_lifetime,
        sum(items) as items_lifetime,
        sum(net) as sales_lifetime,
        max(dearest) as max_order_net_lifetime,
        {windows}
        sum(items) filter (where day > date '{night}' - 365) as items_365d,
        sum(discount) filter (where day > date '{night}' - 365) as discount_365d
    from sale_day
    group by customer_id
),
refunds as (
    select
        customer_id,
        sum(amount) as refunds_lifetime,
        {refund_windows}
        sum(items) as items_back,
        sum(items) filter (where day > date '{night}' - 365) as returns_count_365d
    from refund
    group by customer_id
)
select
    customer.household_id as customer_id,
    firsts[1] as first_order_date,
    case when first_orders >= 2 then firsts[1] else firsts[2] end as second_order_date,
    lasts[1] as last_order_date,
    lasts[2] as previous_order_date,
    last_order_net,
    last_order,
    coalesce(orders_lifetime, 0) as orders_lifetime,
    coalesce(items_lifetime, 0) - coalesce(items_back, 0) as items_lifetime,
    coalesce(sales_lifetime, 0) - coalesce(refunds_lifetime, 0) as net_sales_lifetime,
    sales_lifetime / orders_lifetime as aov_lifetime,
    max_order_net_lifetime,
    case
        when orders_lifetime >= 2 then (lasts[1] - firsts[1]) / (orders_lifetime - 1)
    end as avg_days_between_orders,
    {window_names}
    coalesce(items_365d, 0) as items_365d,
    coalesce(returns_count_365d, 0) as returns_count_365d,
    sales_365d / orders_365d as aov_365d,
    coalesce(refunds_365d, 0) / nullif(sales_365d, 0) as return_rate_365d,
    discount_365d / nullif(sales_365d + discount_365d, 0) as discount_share_365d,
    sales_365d / nullif(items_365d, 0) as avg_item_price_365d
from customer
left join sums on customer.household_id = sums.customer_id
left join refunds on customer.household_id = refunds.customer_id
order by customer_id;

-- step: affinity
create or replace table affinity as
with bought as (
    select
        customer_id,
        department,
        category,
        brand,
        sum(net) as net,
        max(day) as last_day
    from line
    where day > date '{night}' - 365
    group by all
),
-- The order of what is compared, in one number: money, then the latest day, then the name.
departments as (
    select
        customer_id,
        arg_max(department, sum_net * 4294967296 + last_day * 65536 - department) as department
    from (
        select
            customer_id,
            department,
            cast(sum(net) * 100 as bigint) as sum_net,
            max(last_day) - date '2000-01-01' as last_day
        from bought
        group by all
    )
    where sum_net > 0
    group by customer_id
),
categories as (
    select
        customer_id,
        arg_max(category, sum_net * 4294967296 + last_day * 65536 - category) as category,
        sum(cast(sum_net as double) * sum_net) / pow(sum(sum_net), 2) as concentration
    from (
        select
            customer_id,
            category,
            cast(sum(net) * 100 as bigint) as sum_net,
            max(last_day) - date '2000-01-01' as last_day
        from bought
        where category is not null
        group by all
    )
    where sum_net > 0
    group by customer_id
),
brands as (
    select
        customer_id,
        arg_max(brand, sum_net * 4294967296 + last_day * 65536 - brand) as brand
    from (
        select
            customer_id,
            brand,
            cast(sum(net) * 100 as bigint) as sum_net,
            max(last_day) - date '2000-01-01' as last_day
        from bought
        group by all
    )
    where sum_net > 0
    group by customer_id
),
dearest as (
    select
        purchases.customer_id,
        arg_max(category, cast(line.net * 100 as bigint) * 4294967296 - product_id) as category
    from line
    inner join purchases
        on line.order_id = purchases.last_order and line.day = purchases.last_order_date
    where category is not null
    group by purchases.customer_id
)
select
    household_id as customer_id,
    department.name as top_department_365d,
    category.name as top_category_365d,
    brand.name as top_brand_365d,
    last_category.name as last_category,
    concentration as category_concentration_365d
from customer
left join departments on household_id = departments.customer_id
left join categories on household_id = categories.customer_id
left join brands on household_id = brands.customer_id
left join dearest on household_id = dearest.customer_id
left join department on departments.department = department.code
left join category on categories.category = category.code
left join brand on brands.brand = brand.code
left join category as last_category on dearest.category = last_category.code
order by customer_id;

-- step: stores
create or replace table stores as
with store as (
    select
        customer_id,
        store_id,
        sum(orders) as orders,
        count(distinct day) as days,
        max(day) - date '2000-01-01' as last_day
    from store_day
    where day > date '{night}' - 365
    group by all
)
select
    household_id as customer_id,
    arg_max(store_id, (orders * 65536 + last_day) * 1048576 - store_id) as preferred_store,
    arg_max(store_id, (days * 65536 + last_day) * 1048576 - store_id) as home_store,
    count(store_id) as stores_visited_365d
from customer
left join store on household_id = customer_id
group by household_id
order by household_id;

-- step: consents
create or replace table consents as
with said as (
    select
        coalesce(main_id, household_id) as customer_id,
        channel,
        -- Simpler than the project: the yes of a merged record counts for nothing, its no always.
        bool_and(is_in) and bool_or(is_in and main_id is null) as is_in,
        max(event_at) filter (where main_id is null) as event_at,
        max(out_at) as out_at,
        arg_max(source, event_at) as source
    from consent
    left join main on household_id = record_id
    group by all
)
select
    household_id as customer_id,
    coalesce(bool_or(is_in) filter (where channel = 'global'), false) as opt_in_global,
    coalesce(bool_or(is_in) filter (where channel = 'email'), false) as allow_email,
    coalesce(bool_or(is_in) filter (where channel = 'sms'), false) as allow_sms,
    coalesce(bool_or(is_in) filter (where channel = 'direct_mail'), false) as allow_direct_mail,
    max(event_at) filter (where channel = 'email' and is_in) as email_opt_in_ts,
    max(out_at) filter (where channel = 'email') as email_opt_out_ts,
    max(event_at) filter (where channel = 'sms' and is_in) as sms_opt_in_ts,
    arg_max(source, event_at) as consent_capture_source
from customer
left join said on household_id = customer_id
group by household_id
order by household_id;

-- step: identity
create or replace table identity as
with tidy as (
    select
        household_id as customer_id,
        first_name,
        last_name,
        case
            when regexp_full_match(lower(trim(email)), '[^@ ]+@[^@ ]+[.][^@ .]+')
                then lower(trim(email))
        end as email_norm,
        '+1' || right(regexp_replace(phone, '[^0-9]', '', 'g'), 10) as phone_e164,
        address_line,
        city,
        postal_code,
        lower(replace(address_line, ' ', '')) || '|' || postal_code as address_key,
        registered_on,
        is_test,
        is_blocked,
        is_employee,
        updated_at
    from customer
),
weighed as (
    -- The order of preference between records of one address, in one number.
    select
        tidy.*,
        (last_order_date - date '1900-01-01') * 1099511627776
        + (registered_on - date '1900-01-01') * 16777216 as weight,
        opt_in_global and not is_test and not is_blocked as may_be_written_to,
        allow_email,
        allow_sms,
        allow_direct_mail
    from tidy
    inner join consents using (customer_id)
    inner join purchases using (customer_id)
),
emails as (
    select
        email_norm,
        arg_max(
            customer_id,
            (may_be_written_to and allow_email, coalesce(weight, 0), -customer_id)
        ) as main
    from weighed
    where email_norm in (
        select email_norm from tidy group by email_norm having count(*) > 1
    )
    group by email_norm
),
phones as (
    select
        phone_e164,
        arg_max(
            customer_id, (may_be_written_to and allow_sms, coalesce(weight, 0), -customer_id)
        ) as main
    from weighed
    where phone_e164 in (
        select phone_e164 from tidy group by phone_e164 having count(*) > 1
    )
    group by phone_e164
),
addresses as (
    select
        address_key,
        arg_max(
            customer_id,
            (may_be_written_to and allow_direct_mail, coalesce(weight, 0), -customer_id)
        ) as main
    from weighed
    where address_key in (
        select address_key from tidy group by address_key having count(*) > 1
    )
    group by address_key
)
select
    weighed.* exclude (weight),
    weighed.email_norm is not null and coalesce(emails.main = customer_id, true)
        as is_main_email,
    weighed.phone_e164 is not null and coalesce(phones.main = customer_id, true)
        as is_main_phone,
    weighed.address_key is not null and coalesce(addresses.main = customer_id, true)
        as is_main_address
from weighed
left join emails using (email_norm)
left join phones using (phone_e164)
left join addresses using (address_key)
order by customer_id;

-- step: reachability
create or replace table reachability as
select
    customer_id,
    may_be_written_to and allow_email and is_main_email as contactable_email,
    may_be_written_to and allow_sms and is_main_phone as contactable_sms,
    may_be_written_to and allow_direct_mail and is_main_address as contactable_direct_mail,
    case
        when contactable_email then 'email'
        when contactable_sms then 'sms'
        when contactable_direct_mail then 'direct_mail'
        else 'none'
    end as first_contact_channel
from identity
order by customer_id;

-- step: demographics
create or replace table demographics as
select
    household_id as customer_id, birth_date, gender, age_band, income_band, home_ownership,
    marital_status, household_size, household_composition, kids_count, country, region, language
from customer
order by household_id;

-- step: engagement
create or replace table engagement as
with pressure as (
    select
        customer_id,
        max(day) filter (where is_mailing) as last_direct_mail_date,
        max(day) filter (where not is_control) as last_contact_date,
        count(*) filter (where not is_control and day > date '{night}' - 7)
            as campaigns_received_7d,
        count(*) filter (where not is_control and day > date '{night}' - 30)
            as campaigns_received_30d,
        bool_or(is_control and day > date '{night}' - 30) as in_control_group_30d,
        count(*) filter (where is_mailing) as mailings
    from contact
    group by all
),
coupons as (
    select
        customer_id,
        max(day) as last_coupon_redeemed_date,
        count(*) as coupons_redeemed_lifetime,
        count(*) filter (where day > date '{night}' - 90) as coupons_redeemed_90d
    from redemption
    group by all
),
answered as (
    select customer_id, count(*) as answered
    from contact
    semi join redemption using (customer_id, campaign_id)
    group by customer_id
)
select
    household_id as customer_id,
    last_direct_mail_date,
    last_contact_date,
    coalesce(campaigns_received_7d, 0) as campaigns_received_7d,
    coalesce(campaigns_received_30d, 0) as campaigns_received_30d,
    coalesce(in_control_group_30d, false) as in_control_group_30d,
    coalesce(mailings, 0) as mailings_received_lifetime,
    coalesce(answered, 0) / mailings as mailing_response_rate,
    last_coupon_redeemed_date,
    coalesce(coupons_redeemed_lifetime, 0) as coupons_redeemed_lifetime,
    coalesce(coupons_redeemed_90d, 0) as coupons_redeemed_90d
from customer
left join pressure on household_id = pressure.customer_id
left join coupons on household_id = coupons.customer_id
left join answered on household_id = answered.customer_id
order by household_id;

-- step: loyalty and service
create or replace table loyalty as
with purse as (
    select
        loyalty_id,
        sum(points) as points_balance,
        sum(points) filter (where points > 0 and day > date '{night}' - 365)
            as points_earned_365d,
        sum(points) filter (where expires_on between date '{night}' and date '{night}' + 30)
            as points_expiring_30d
    from point_day
    group by loyalty_id
),
member as (
    select
        coalesce(main_id, account.record_id) as customer_id,
        bool_or(status = 'open') as is_loyalty_member,
        min(enrolled_at) as loyalty_enrolled_at,
        max(case tier when 'gold' then 3 when 'silver' then 2 else 1 end) as loyalty_tier_rank,
        max(tier_expiry) as tier_expiry,
        sum(points_balance) as points_balance,
        sum(points_earned_365d) as points_earned_365d,
        sum(points_expiring_30d) as points_expiring_30d
    from account
    left join main using (record_id)
    left join purse using (loyalty_id)
    group by all
)
select customer.household_id as customer_id, member.* exclude (customer_id)
from customer
left join member on household_id = member.customer_id
order by household_id;
create or replace table service as
with asked as (
    select
        coalesce(main_id, record_id) as customer_id,
        bool_or(closed_at is null) as has_open_case,
        max(opened_at) as last_case_at,
        count(*) filter (where opened_at > date '{night}' - 365) as cases_365d
    from service_case
    left join main using (record_id)
    group by all
)
select customer.household_id as customer_id, asked.* exclude (customer_id)
from customer
left join asked on household_id = asked.customer_id
order by household_id;

-- step: messages and visits
create or replace table messages as
with mail as (
    select
        customer_id,
        sum(sent) filter (where day > date '{night}' - 30) as email_sent_30d,
        sum(opens) filter (where day > date '{night}' - 30) as email_opens_30d,
        sum(clicks) filter (where day > date '{night}' - 30) as email_clicks_30d,
        sum(sent) filter (where day > date '{night}' - 90) as sent_90d,
        sum(opens) filter (where day > date '{night}' - 90) as opens_90d,
        sum(clicks) filter (where day > date '{night}' - 90) as clicks_90d,
        max(day) filter (where sent > 0) as last_email_sent_date,
        max(day) filter (where opens > 0) as last_email_open_date,
        max(day) filter (where clicks > 0) as last_email_click_date
    from message_day
    group by customer_id
),
texts as (
    select customer_id, count(*) as sms_sent_30d
    from text_day
    where day > date '{night}' - 30
    group by customer_id
)
select
    customer.household_id as customer_id,
    mail.* exclude (customer_id, sent_90d, opens_90d, clicks_90d),
    case when sent_90d >= 3 then least(opens_90d, sent_90d) / sent_90d end as email_open_rate_90d,
    case when sent_90d >= 3 then least(clicks_90d, sent_90d) / sent_90d end
        as email_click_rate_90d,
    coalesce(sms_sent_30d, 0) as sms_sent_30d
from customer
left join mail on household_id = mail.customer_id
left join texts on household_id = texts.customer_id
order by household_id;
create or replace table web as
with seen as (
    select
        customer_id,
        count(*) filter (where started_at >= date '{night}' - 29) as web_sessions_30d,
        sum(products_viewed) filter (where started_at >= date '{night}' - 29)
            as product_views_30d,
        sum(carts) filter (where started_at >= date '{night}' - 6) as carts_7d,
        max(started_at) as last_web_visit_at,
        arg_max(last_category, started_at) filter (where last_category is not null)
            as last_viewed_category
    from visit
    group by customer_id
)
select customer.household_id as customer_id, seen.* exclude (customer_id)
from customer
left join seen on household_id = seen.customer_id
order by household_id;

-- step: scores and stages
create or replace table lifecycle as
with cuts as (
    select
        quantile_disc(date '{night}' - last_order_date, [0.2, 0.4, 0.6, 0.8]) as recency,
        quantile_disc(orders_365d, [0.2, 0.4, 0.6, 0.8]) as frequency,
        quantile_disc(net_sales_365d, [0.2, 0.4, 0.6, 0.8, 0.95]) as monetary
    from purchases
    where last_order_date > date '{night}' - 730
),
scored as (
    select
        purchases.*,
        date '{night}' - last_order_date as days,
        {scores}
        net_sales_365d > monetary[5] and net_sales_365d >= 1000 as is_vip
    from purchases
    cross join cuts
)
select
    customer_id,
    case when days < 730 then recency_score end as rfm_recency_score,
    case when days < 730 then frequency_score end as rfm_frequency_score,
    case when days < 730 then monetary_score end as rfm_monetary_score,
    case
        when last_order_date is null then 'prospect'
        when date '{night}' - first_order_date <= 30 then 'new'
        when days <= 30 and last_order_date - previous_order_date > 180 then 'reactivated'
        when days <= 30 then 'active'
        when days <= 60 then 'at_risk'
        when days <= 180 then 'churned'
        else 'dormant'
    end as lifecycle_stage,
    is_vip
from scored
order by customer_id;

-- step: micro-segments
create or replace table segments as
with cells as (
    select
        lifecycle.customer_id,
        lifecycle_stage,
        case
            when is_vip then 'vip'
            when rfm_monetary_score >= 4 then 'high'
            when rfm_monetary_score >= 2 then 'middle'
            when rfm_monetary_score = 1 then 'low'
            else 'none'
        end as value_tier,
        case
            when rfm_frequency_score >= 4 then 'often'
            when rfm_frequency_score >= 2 then 'sometimes'
            when rfm_frequency_score = 1 then 'seldom'
            else 'never'
        end as frequency_tier,
        first_contact_channel,
        coalesce(top_department_365d, 'NONE') as department
    from lifecycle
    inner join reachability using (customer_id)
    inner join affinity using (customer_id)
),
counted as (
    select
        lifecycle_stage, value_tier, frequency_tier, first_contact_channel, department,
        count(*) as customers
    from cells
    group by all
),
named as (
    -- Simpler than the project: a cell that is too small folds straight into its stage.
    select
        * exclude (customers),
        case
            when customers >= 50
                then concat_ws(
                    '.', lifecycle_stage, value_tier, frequency_tier, first_contact_channel,
                    lower(department)
                )
            else lifecycle_stage
        end as micro_segment_id
    from counted
)
select
    customer_id,
    micro_segment_id,
    cast(hash(customer_id) % 1000 as smallint) as control_bucket
from cells
inner join named
    using (lifecycle_stage, value_tier, frequency_tier, first_contact_channel, department)
order by customer_id;

-- step: an audience, written
copy (
    select customer_id, email_norm, first_name, last_name
    from identity
    inner join reachability using (customer_id)
    inner join lifecycle using (customer_id)
    inner join segments using (customer_id)
    where lifecycle_stage = 'churned' and contactable_email and control_bucket >= 100
    order by customer_id
) to '{audience}' (format csv, header);
checkpoint;
