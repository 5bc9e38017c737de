-- What a hand-written night starts from: aggregates sorted by customer, and one row for each
-- customer of what changes seldom. Made once from the history, and not timed.

-- step: products
create table product as
select
    product_id,
    cast(dense_rank() over (order by department) as smallint) as department,
    cast(dense_rank() over (order by product_category) as smallint) as category,
    cast(dense_rank() over (order by brand) as tinyint) as brand
from read_parquet('{products}');
create table department as
select distinct
    cast(dense_rank() over (order by department) as smallint) as code, department as name
from read_parquet('{products}');
create table category as
select distinct
    cast(dense_rank() over (order by product_category) as smallint) as code,
    product_category as name
from read_parquet('{products}');
create table brand as
select distinct
    cast(dense_rank() over (order by brand) as tinyint) as code, brand as name
from read_parquet('{products}');

-- step: households
create table household as
select * from (
    select * from read_parquet('{households}')
    qualify row_number() over (partition by household_id order by updated_at desc) = 1
)
order by household_id;

-- step: consents
create table consent as
select
    household_id,
    channel,
    arg_max(status, event_at) = 'opt_in' as is_in,
    arg_max(capture_source, event_at) as source,
    max(event_at) as event_at,
    max(event_at) filter (where status = 'opt_out') as out_at
from read_parquet('{consents}')
group by household_id, channel
order by household_id;

-- step: merges
create table merge as
select
    household_id,
    arg_max(coalesce(merged_into_household_id, -1), merged_at) as into_id,
    max(merged_at) as merged_at
from read_parquet('{household_merges}')
group by household_id;

-- step: who is who
-- A record that was merged is kept under its customer: a night moves only what a merge moved.
create table main as
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
-- Into the record before it: the last one of a chain has the lowest number.
select record_id, min(into_id) as main_id from step group by record_id;

-- step: sales of a store and day
create table store_day as
select
    household_id as record_id,
    coalesce(any_value(main_id), household_id) as customer_id,
    business_date as day,
    cast(store_id as integer) as store_id,
    cast(count(*) as integer) as orders,
    cast(sum(items) as bigint) as items,
    cast(sum(net) as decimal(18, 4)) as net,
    cast(sum(discount) as decimal(18, 4)) as discount,
    max(net) as dearest,
    arg_max(net, sold_at) as last_net,
    arg_max(basket_id, sold_at) as last_order,
    max(sold_at) as last_sold_at
from (
    select
        household_id,
        business_date,
        store_id,
        basket_id,
        max(sold_at) as sold_at,
        sum(quantity) as items,
        cast(sum(sales_value) as decimal(18, 4)) as net,
        sum(retail_disc + coupon_match_disc) as discount
    from read_parquet('{transactions}')
    where quantity <> 0 or sales_value <> 0
    group by all
)
left join main on household_id = record_id
group by household_id, business_date, store_id
order by customer_id, day;

-- step: sales of a day
create table sale_day as
select
    customer_id,
    day,
    cast(sum(orders) as integer) as orders,
    cast(sum(items) as bigint) as items,
    cast(sum(net) as decimal(18, 4)) as net,
    cast(sum(discount) as decimal(18, 4)) as discount,
    max(dearest) as dearest,
    arg_max(last_net, last_sold_at) as last_net,
    arg_max(last_order, last_sold_at) as last_order
from store_day
group by customer_id, day
order by customer_id, day;

-- step: lines
create table line as
select
    household_id as record_id,
    coalesce(main_id, household_id) as customer_id,
    business_date as day,
    basket_id as order_id,
    department,
    category,
    brand,
    sales_value as net,
    product_id
from read_parquet('{transactions}')
inner join product using (product_id)
left join main on household_id = record_id
where quantity <> 0 or sales_value <> 0
order by customer_id, day;

-- step: returns
create table refund as
select
    household_id as record_id,
    coalesce(main_id, household_id) as customer_id,
    returned_on as day,
    refund_amount as amount,
    quantity as items
from read_parquet('{returns}')
left join main on household_id = record_id
order by customer_id;

-- step: contacts
create table contact as
select
    record_id, coalesce(main_id, record_id) as customer_id, day, is_mailing, is_control,
    campaign_id
from (
    select
        household_id as record_id, mailed_date as day, true as is_mailing,
        false as is_control, campaign_id
    from read_parquet('{campaign_mailings}')
    union all
    select customer_id, occurrence_date, false, is_control, null
    from read_parquet('{dispatches}')
)
left join main using (record_id)
order by customer_id;
create table redemption as
select
    household_id as record_id,
    coalesce(main_id, household_id) as customer_id,
    redemption_date as day,
    campaign_id
from read_parquet('{coupon_redemptions}')
left join main on household_id = record_id
order by customer_id;

-- step: loyalty and service
create table account as
select
    loyalty_id, arg_max(household_id, updated_at) as record_id, arg_max(tier, updated_at) as tier,
    arg_max(tier_expiry, updated_at) as tier_expiry, arg_max(status, updated_at) as status,
    min(enrolled_at) as enrolled_at
from read_parquet('{loyalty_accounts}')
group by loyalty_id
order by loyalty_id;
create table point_day as
select loyalty_id, cast(event_at as date) as day, expires_on, sum(points) as points
from read_parquet('{loyalty_ledger}')
group by all
order by loyalty_id;
create table service_case as
select
    case_id, arg_max(household_id, updated_at) as record_id, min(opened_at) as opened_at,
    arg_max(closed_at, updated_at) as closed_at
from read_parquet('{service_cases}')
group by case_id;

-- step: messages and visits
create table message_day as
select
    household_id as record_id,
    coalesce(any_value(main_id), household_id) as customer_id,
    cast(event_at as date) as day,
    cast(count(*) filter (where event_type in ('delivered', 'bounce')) as smallint) as sent,
    cast(count(*) filter (where event_type = 'open' and not is_machine_open) as smallint)
        as opens,
    cast(count(*) filter (where event_type = 'click') as smallint) as clicks
from read_parquet('{email_events}')
left join main on household_id = record_id
group by household_id, day
order by customer_id;
create table text_day as
select
    household_id as record_id,
    coalesce(main_id, household_id) as customer_id,
    cast(event_at as date) as day
from read_parquet('{sms_events}')
left join main on household_id = record_id
order by customer_id;
create table visit as
select
    household_id as record_id,
    coalesce(main_id, household_id) as customer_id,
    started_at,
    products_viewed,
    carts,
    last_category
from read_parquet('{web_sessions}')
left join main on household_id = record_id
where household_id is not null
order by customer_id;
