-- A row is a record whose customer is itself merged into another: the chain was longer than the
-- model follows, and its sales would belong to nobody.

select resolved.customer_id, resolved.surviving_customer_id
from {{ ref('int_customers_resolved') }} as resolved
inner join {{ ref('int_customers_resolved') }} as onward
    on resolved.surviving_customer_id = onward.customer_id
