"""What may happen to a client's batches in a few nights, drawn by Hypothesis.

A history is data, so that a failing one can be read and kept as an example. Days are counted back
from the night on which something happens, customers by their place among the few there are.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from tests.builds.batches import CONTRACTS

DELTAS = sorted(t for t, contract in CONTRACTS.items() if contract.load != "full")
CUSTOMERS = 40
# The records whose merges are drawn: few, so that chains, circles and partings come about.
MERGED = 6

# What of the day's rows comes. On a night on which the late ones come, rows that were held back
# come with that day's batch, and a batch that did not come does.
AMOUNTS = ["some", "none", "absent"]
# What a correction makes of a batch: no rows, fewer, other values, the rows of other customers,
# of earlier days, what it was before all corrections; or it never was, until the late ones come.
CORRECTIONS = ["empty", "fewer", "other", "moved", "earlier", "restored", "withdrawn"]

OTHER_VALUES = {
    "campaign_mailings": "campaign_id + 1 as campaign_id",
    "consents": "if(status = 'opt_in', 'opt_out', 'opt_in') as status",
    "coupon_redemptions": "campaign_id + 1 as campaign_id",
    "dispatches": "not is_control as is_control",
    "email_events": "if(event_type = 'open', 'click', 'open') as event_type",
    "household_merges": "cast(null as bigint) as merged_into_household_id",
    "households": "'Corrected' as last_name",
    "loyalty_accounts": "if(status = 'open', 'closed', 'open') as status",
    "loyalty_ledger": "points + 10 as points",
    "returns": "quantity + 1 as quantity, refund_amount + 1 as refund_amount",
    "service_cases": "cast(null as timestamp) as closed_at",
    "sms_events": "if(event_type = 'delivered', 'failed', 'delivered') as event_type, "
    "'permanent' as error_code",
    "transactions": "sales_value + 1 as sales_value, quantity + 1 as quantity",
    "web_sessions": "carts + 1 as carts, products_viewed + 1 as products_viewed",
}
EARLIER = {
    "campaign_mailings": "mailed_date - 2 as mailed_date",
    "consents": "event_at - interval 40 hour as event_at",
    "coupon_redemptions": "redemption_date - 2 as redemption_date",
    "dispatches": "occurrence_date - 2 as occurrence_date",
    "email_events": "event_at - interval 40 hour as event_at",
    "household_merges": "merged_at - interval 40 hour as merged_at",
    "households": "updated_at - interval 40 hour as updated_at",
    "loyalty_accounts": "updated_at - interval 40 hour as updated_at",
    "loyalty_ledger": "event_at - interval 40 hour as event_at",
    "returns": "returned_on - 2 as returned_on",
    "service_cases": "updated_at - interval 40 hour as updated_at",
    "sms_events": "event_at - interval 40 hour as event_at",
    "transactions": "business_date - 2 as business_date",
    "web_sessions": "started_at - interval 40 hour as started_at",
}
# A record of the client itself is never another customer's, and a merge is not moved.
MOVED = {
    table: {"dispatches": "customer_id"}.get(table, "household_id")
    for table in DELTAS
    if table not in ("households", "household_merges", "loyalty_ledger")
}
# What the products of a night are, of those that the first one named.
PRODUCTS = {
    "as at first": "from {batch}",
    "fewer": "from {batch} where product_id % 7 <> 0",
    "of another brand": "select * replace (if(product_id % 4 = 0, 'Private', brand) as brand) "
    "from {batch}",
    "of another category": "select * replace (if(product_id % 5 = 0, 'OTHER', product_category) "
    "as product_category) from {batch}",
    "of one that is replenished": "select * replace (if(product_id % 3 = 0, 'COFFEE', "
    "product_category) as product_category) from {batch}",
}


@dataclass(frozen=True)
class Correction:
    """Another version of the batch of so many days ago; of before the first, the first."""

    table: str
    back: int
    to: str


@dataclass(frozen=True)
class Night:
    """What comes in one night, and what it is built with."""

    # since the night before; 0 is the same day once more, with what came since
    days_on: int = 1
    amounts: dict[str, str] = field(default_factory=dict)
    late_ones_come: bool = False
    corrections: tuple[Correction, ...] = ()
    # who is merged into whom; into nobody, and they part
    merges: dict[int, int | None] = field(default_factory=dict)
    # whose account is closed, or opened again
    closed: dict[int, bool] = field(default_factory=dict)
    products: str | None = None
    new_code: bool = False
    # how many nights older a base than the newest
    older_base: int = 0


corrections = st.builds(
    Correction,
    # what most is made of, more often than the others
    st.sampled_from([*DELTAS, *["transactions"] * 4]),
    st.sampled_from([0, 1, 2, 3, 9]),
    st.sampled_from(CORRECTIONS),
)
records = st.integers(0, MERGED - 1)
nights = st.builds(
    Night,
    days_on=st.sampled_from([1, 1, 1, 2, 0]),
    amounts=st.dictionaries(st.sampled_from(DELTAS), st.sampled_from(AMOUNTS), max_size=4),
    late_ones_come=st.booleans(),
    # On every other night none: only then are rows carried on.
    corrections=st.just(()) | st.lists(corrections, max_size=4).map(tuple),
    merges=st.dictionaries(records, records | st.none(), max_size=3),
    closed=st.dictionaries(st.integers(0, CUSTOMERS - 1) | records, st.booleans(), max_size=2),
    products=st.none() | st.sampled_from(sorted(PRODUCTS)),
    new_code=st.sampled_from([False, False, False, True]),
    older_base=st.sampled_from([0, 0, 0, 1, 2]),
)
histories = st.lists(nights, min_size=2, max_size=4)
