{{ config(severity='warn') }}

-- A row is a day of which the client's own books, told in CR-0005, have another total than ours.
-- A day that this build knows nothing of proves nothing, and another client has other books: it warns.

with

books as (

    select date '2017-12-01' as business_date, 12595.11 as amount
    union all
    select date '2017-12-02' as business_date, 15628.61 as amount

),

ours as (

    select business_date, sum(net_amount) as amount
    from {{ ref('int_sales_by_customer_store_day') }}
    where business_date in (select business_date from books)
    group by business_date

)

select books.business_date, books.amount as client_amount, ours.amount as our_amount
from books
inner join ours using (business_date)
where abs(books.amount - ours.amount) >= 0.01
