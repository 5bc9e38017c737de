"""Why a customer is what it is: the sentences behind its stage, its channels and its segment.

Told from its own row and the thresholds of the build; the rules themselves stand in the models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flows.customer import Customer

Row = Mapping[str, Any]
CHANNELS = (
    ("e-mail", "contactable_email", "allow_email", "email_deliverable", "is_main_email"),
    ("text message", "contactable_sms", "allow_sms", "sms_deliverable", "is_main_phone"),
    (
        "letter",
        "contactable_direct_mail",
        "allow_direct_mail",
        "mail_deliverable",
        "is_main_address",
    ),
)
# In the order in which a micro-segment is made: the finest folds first.
LEVELS = ("lifecycle stage", "value", "frequency", "channel", "department")


def reasons_of(customer: Customer) -> dict[str, str]:
    """Return a sentence each for stage, reachability and micro-segment; empty for who is closed.

    What a build does not know of is left out.
    """
    row = customer.row
    if row is None:
        return {}
    told: dict[str, Callable[[], str]] = {
        "lifecycle_stage": lambda: _stage(row, customer.thresholds),
        "contactable": lambda: _contactable(row),
        "rfm_segment": lambda: _segment(row),
        "micro_segment": lambda: _micro_segment(row, customer.thresholds),
    }
    found = {}
    for name, sentence in told.items():
        try:
            found[name] = sentence()
        except KeyError:
            # An older build, or one whose view has lost the column.
            continue
    return found


def _stage(row: Row, limits: Mapping[str, int]) -> str:
    stage, days = row["lifecycle_stage"], row["days_since_last_order"]
    if stage == "prospect":
        return f"prospect since {row['lifecycle_stage_since']}: registered, and no order yet"
    active, at_risk, churned = (limits[f"{each}_days"] for each in ("active", "at_risk", "churned"))
    last = f"the last order was {_days(days)} ago" if days else "the last order was today"
    because = {
        "new": f"the first order was on {row['first_order_date']}, "
        f"no more than {_days(limits['new_customer_days'])} ago",
        "active": f"{last}, no more than {_days(active)}",
        "reactivated": f"{last}, no more than {_days(active)}, and more than {_days(churned)} "
        "lay between it and the order before",
        "at_risk": f"{last}: more than {_days(active)}, no more than {_days(at_risk)}",
        "churned": f"{last}: more than {_days(at_risk)}, no more than {_days(churned)}",
        "dormant": f"{last}: more than {_days(churned)}",
    }
    before = f", before that {row['lifecycle_stage_prev']}" if row["lifecycle_stage_prev"] else ""
    return f"{stage} since {row['lifecycle_stage_since']}{before}: {because.get(stage, last)}"


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


def _contactable(row: Row) -> str:
    said = [f"{name}: {_channel(row, *flags)}" for name, *flags in CHANNELS]
    first = "" if row["contactable_any"] else f"not at all, {row['suppression_reason']}; "
    return first + "; ".join(said)


def _channel(row: Row, contactable: str, allowed: str, deliverable: str, is_main: str) -> str:
    if row[contactable]:
        return "yes"
    against = [
        (row["is_test"], "a test record"),
        (row["is_blocked"], "blocked by the client"),
        (not row["opt_in_global"], "no marketing consent"),
        (not row[allowed], "no consent for the channel"),
        (not row[deliverable], "no address that works"),
        (not row[is_main], "another record is the main one of its address"),
    ]
    found = [reason for holds, reason in against if holds]
    return f"no, {found[0]}" if found else "no, the consents are stale or its address was closed"


def _segment(row: Row) -> str:
    if row["rfm_cell"] is None:
        return "none: no order in two years"
    scores = (row[f"rfm_{each}_score"] for each in ("recency", "frequency", "monetary"))
    recency, frequency, monetary = scores
    return (
        f"{row['rfm_segment']}: recency {recency} of 5 by {_days(row['days_since_last_order'])} "
        f"since the last order, frequency {frequency} by {row['orders_365d']} orders in a year, "
        f"monetary {monetary} by net sales of {row['net_sales_365d']:,.2f}"
    )


def _micro_segment(row: Row, limits: Mapping[str, int]) -> str:
    told = row["micro_segment_id"].count(".") + 1
    moved = row["micro_segment_prev"]
    before = f"; yesterday {moved}" if moved not in (None, row["micro_segment_id"]) else ""
    said = f"{row['micro_segment_id']}: {row['micro_segment_label']}{before}"
    folded = LEVELS[told:]
    if not folded:
        return f"{said}; no level was folded"
    least = limits["micro_segment_minimum_customers"]
    one = len(folded) == 1
    return (
        f"{said}; folded by {' and '.join(folded)}: "
        f"with {'it' if one else 'them'} the segment would have fewer than {least} customers"
    )
