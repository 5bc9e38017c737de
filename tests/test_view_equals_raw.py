"""The view of a night against `tests.oracle`, which computes it from the raw data by other means.

Everything is compared exactly. A ratio must be the exact fraction, rounded to the digits of its
column; at a tie between two roundings, either is right.
"""

from collections import Counter
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from ruamel.yaml import YAML

from tests.oracle import order_days, recompute
from tests.oracle_predictions import CLOSE, EXACT, RANKS, predict, rank

Nights = dict[date, Path]
Row = dict[str, object]

DAYS = tuple(date(2017, 11, day) for day in (18, 19, 20, 21))
VIEW = "select * from marts.single_customer_view"
MINIMUM = 50  # customers of a micro-segment that is not a whole stage

IDENTITY = (
    *("scv_customer_id", "source_record_count", "household_id"),
    *("client_customer_id", "first_name", "last_name", "email_norm", "phone_e164"),
    *("is_main_email", "is_main_phone", "is_main_address", "registration_date", "tenure_days"),
    *("is_test", "is_blocked", "is_employee_or_reseller", "profile_as_of_date"),
)
CONSENTS = (
    *("opt_in_global", "allow_email", "allow_sms", "allow_direct_mail", "email_opt_in_ts"),
    *("allow_push",),
    *("email_opt_out_ts", "sms_opt_in_ts", "consent_capture_source", "consent_source_as_of"),
)
REACHABILITY = (
    *("email_deliverable", "sms_deliverable", "mail_deliverable", "contactable_email"),
    *("contactable_sms", "contactable_direct_mail", "contactable_any", "suppression_reason"),
)
DEMOGRAPHICS = (
    *("birth_date", "age_years", "days_to_birthday", "gender", "age_band", "income_band"),
    *("home_ownership", "marital_status", "household_size", "household_composition", "kids_count"),
    *("country_code", "region", "city", "address_line", "postal_code", "language_code"),
)
PURCHASES = (
    *("first_order_date", "second_order_date", "last_order_date", "last_order_net"),
    *("last_order_channel", "days_since_last_order", "orders_lifetime", "items_lifetime"),
    *("gross_sales_lifetime", "net_sales_lifetime", "aov_lifetime", "max_order_net_lifetime"),
    *("avg_days_between_orders", "days_first_to_second_order", "is_one_and_done"),
    *("is_early_repeat_buyer", "orders_7d", "orders_30d", "orders_90d", "orders_365d"),
    *("net_sales_7d", "net_sales_30d", "net_sales_90d", "net_sales_365d", "items_365d"),
    *("aov_365d", "discount_share_365d", "avg_item_price_365d", "orders_730d"),
    *("net_sales_prev_365d", "net_sales_yoy_ratio", "returns_count_365d", "return_rate_365d"),
)
LOYALTY = (
    *("is_loyalty_member", "loyalty_enrol_date", "loyalty_tier", "loyalty_tier_rank"),
    *("days_to_tier_expiry", "points_balance", "points_expiring_30d", "points_earned_365d"),
    *("points_redeemed_365d", "spend_to_next_tier", "cases_open", "cases_90d"),
)
AFFINITY = (
    *("top_department_365d", "top_category_365d", "top_brand_365d", "last_category"),
    *("category_concentration_365d", "purchase_channel_pref_365d", "store_order_share_365d"),
    *("is_omnichannel_365d", "preferred_store_id_365d", "home_store_id", "stores_visited_365d"),
    *("price_tier", "replenishment_due_date"),
)
RESPONSE = (
    *("mailings_received_lifetime", "mailing_response_rate", "last_coupon_redeemed_date"),
    *("coupons_redeemed_lifetime", "coupons_redeemed_90d"),
)
MESSAGES = (
    *("email_sent_30d", "email_opens_30d", "email_clicks_30d", "email_open_rate_90d"),
    *("email_click_rate_90d", "last_email_sent_date", "last_email_open_date"),
    *("last_email_click_date", "email_engagement_status", "sms_sent_30d"),
    *("best_send_hour_local", "contact_channel_pref"),
)
WEB = (
    *("web_sessions_30d", "product_views_30d", "carts_abandoned_7d", "last_web_visit_date"),
    *("last_viewed_category", "product_views_per_visit_30d"),
)
SEGMENTS = (
    *("rfm_recency_score", "rfm_frequency_score", "rfm_monetary_score", "rfm_cell"),
    *("rfm_segment", "lifecycle_stage", "churn_factor", "is_vip"),
    *("lifecycle_stage_since", "lifecycle_stage_prev", "days_in_stage"),
)
ATTRIBUTES = (
    *(*IDENTITY, *CONSENTS, *REACHABILITY, *DEMOGRAPHICS),
    *(*PURCHASES, *LOYALTY, *AFFINITY, *RESPONSE, *MESSAGES, *WEB, *SEGMENTS),
)
OURS_AND_THE_CLIENTS = (
    *("last_direct_mail_date", "last_contact_date"),
    *("campaigns_received_7d", "campaigns_received_30d"),
)
NOT_RECOMPUTED = tuple(
    YAML(typ="safe", pure=True).load(Path(__file__).with_name("not_recomputed.yml").read_text())
)

each_day = pytest.mark.parametrize("day", DAYS, ids=str)


@each_day
def test_customers_are_the_households_that_the_crm_knew(
    nights: Nights, deliveries: Path, day: date
) -> None:
    assert set(_view(nights[day])) == set(_recomputed(day, deliveries).index)


@each_day
@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_attribute_of_every_customer_follows_from_the_raw_data(
    nights: Nights, deliveries: Path, day: date, attribute: str
) -> None:
    expected = _recomputed(day, deliveries)[attribute].to_dict()
    wrong = [
        f"{attribute} of customer {customer}: the view says {row[attribute]}, "
        f"the raw data {_shown(expected[customer])}"
        for customer, row in _view(nights[day]).items()
        if customer in expected and not _agree(row[attribute], expected[customer])
    ]
    assert not wrong, f"{wrong[0]} ({len(wrong)} customers differ)"


@each_day
@pytest.mark.parametrize("attribute", OURS_AND_THE_CLIENTS)
def test_contacts_hold_at_least_what_the_client_mailed(
    nights: Nights, deliveries: Path, day: date, attribute: str
) -> None:
    least = _recomputed(day, deliveries)[f"least_{attribute}"].to_dict()
    wrong = [
        f"{attribute} of customer {customer} is {row[attribute]}, less than {least[customer]}"
        for customer, row in _view(nights[day]).items()
        if least[customer] and (row[attribute] is None or row[attribute] < least[customer])
    ]
    assert not wrong, f"{wrong[0]} ({len(wrong)} customers differ)"


@each_day
def test_every_micro_segment_below_the_minimum_is_a_whole_stage(nights: Nights, day: date) -> None:
    rows = _view(nights[day]).values()
    sizes = Counter(str(row["micro_segment_id"]) for row in rows)
    assert not [cell for cell, size in sizes.items() if size < MINIMUM and "." in cell]


@each_day
def test_every_micro_segment_begins_with_the_stage(nights: Nights, day: date) -> None:
    rows = _view(nights[day]).items()
    assert not [
        customer
        for customer, row in rows
        if str(row["micro_segment_id"]).split(".")[0] != row["lifecycle_stage"]
    ]


@each_day
def test_every_column_of_the_view_is_compared_or_left_out_on_purpose(
    nights: Nights, day: date
) -> None:
    columns = next(iter(_view(nights[day]).values()))
    predicted = (*CLOSE, *EXACT, *RANKS)
    known = (*ATTRIBUTES, *OURS_AND_THE_CLIENTS, *predicted, *NOT_RECOMPUTED)
    assert sorted(columns) == sorted(known)


@each_day
@pytest.mark.parametrize("attribute", [*CLOSE, *EXACT])
def test_a_prediction_of_every_customer_follows_from_the_papers(
    nights: Nights, deliveries: Path, day: date, attribute: str
) -> None:
    expected = _predicted(day, deliveries)
    wrong = [
        f"{attribute} of customer {customer}: the view says {row[attribute]}, "
        f"the papers {expected[customer][attribute]}"
        for customer, row in _view(nights[day]).items()
        if not _close(row[attribute], expected[customer][attribute])
    ]
    assert not wrong, f"{wrong[0]} ({len(wrong)} customers differ)"


@each_day
def test_ranks_follow_from_the_predicted_values(nights: Nights, day: date) -> None:
    view = _view(nights[day])
    values = {customer: row["pred_value_365d"] for customer, row in view.items()}
    stages = {customer: str(row["lifecycle_stage"]) for customer, row in view.items()}
    ranks = rank(values, stages)  # type: ignore[arg-type]
    wrong = [c for c, row in view.items() if {name: row[name] for name in RANKS} != ranks[c]]
    assert not wrong, f"customer {wrong[0]} ({len(wrong)} customers differ)"


@cache
def _view(build: Path) -> dict[int, Row]:
    """Return the rows of a build's view by customer."""
    with duckdb.connect(str(build), read_only=True) as connection:
        view = connection.sql(VIEW)
        rows = [dict(zip(view.columns, row, strict=True)) for row in view.fetchall()]
    return {row["customer_id"]: row for row in rows}


@cache
def _recomputed(day: date, deliveries: Path) -> pd.DataFrame:
    """Return what the view should say, computed once a session."""
    return recompute(day, deliveries)


@cache
def _predicted(day: date, deliveries: Path) -> dict[int, dict[str, object]]:
    """Return the predictions of what was recomputed from the raw data, once a session."""
    days = order_days(day, deliveries).rename("order_days")
    return predict(_recomputed(day, deliveries).join(days), day)


def _close(actual: object, expected: object) -> bool:
    """Return whether a prediction is the expected one: exact, or near to a last digit."""
    if isinstance(expected, float) and isinstance(actual, Decimal):
        return abs(float(actual) - expected) <= 1e-6 * abs(expected) + 1e-4
    return actual == expected


def _agree(actual: object, expected: object) -> bool:
    """Return whether the view's value is right: equal, or correctly rounded."""
    if isinstance(expected, Fraction) and isinstance(actual, Decimal):
        unit = Fraction(10) ** int(actual.as_tuple().exponent)
        return 2 * abs(Fraction(actual) - expected) <= unit
    return type(actual) is type(expected) and actual == expected


def _shown(value: object) -> str:
    """Return a recomputed value as a person reads it."""
    return f"{float(value):.6f}" if isinstance(value, Fraction) else str(value)
