"""The part of `tests.oracle` about messages and visits: from the delivered files, not the SQL.

Everything of a delivery is read whole, and every definition is followed event by event: nothing is
kept by day, and what is opened twice is looked for among all events ever delivered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path

import pandas as pd

SEEDS = Path(__file__).parent.parent / "seeds"
DAY = pd.Timedelta(days=1)
Customers = Callable[[Iterable[int]], list[int]]


@dataclass(frozen=True)
class Told:
    """What had been delivered by the business date, each row with its customer and local day."""

    at: pd.Timestamp
    emails: pd.DataFrame
    texts: pd.DataFrame
    visits: pd.DataFrame

    @classmethod
    def by(cls, at: pd.Timestamp, deliveries: Path, customers: Customers) -> Told:
        """Read the deliveries up to the date."""

        def read(name: str, instant: str) -> pd.DataFrame:
            return _rows(deliveries, at.date(), name, instant).assign(
                customer_id=lambda rows: customers(rows["household_id"])
            )

        emails = read("email_events.jsonl.gz", "event_at")
        texts, visits = (
            read("sms_events.csv", "event_at"),
            read("web_sessions.jsonl.gz", "started_at"),
        )
        return cls(at, emails, texts, visits)

    def within(self, rows: pd.DataFrame, days: int, column: str = "day") -> pd.DataFrame:
        """Return the rows of (A-days, A]."""
        return rows[(rows[column] > self.at - days * DAY) & (rows[column] <= self.at)]

    def firsts(self, event_type: str) -> pd.DataFrame:
        """Return the first open, or click, of every message; machines do not read."""
        of_type = self.emails["event_type"] == event_type
        machine = self.emails["is_machine_open"].eq(True)
        told = self.emails[of_type & ~machine].sort_values("event_at")
        return told.drop_duplicates(["household_id", "send_id"])

    def lasts(self, event_type: str) -> pd.Series:
        """Return the day of each customer's latest event of a type; machines do not read."""
        of_type = self.emails["event_type"] == event_type
        machine = self.emails["is_machine_open"].eq(True)
        return self.emails[of_type & ~machine].groupby("customer_id")["day"].max()


@cache
def limits() -> dict[str, int]:
    """Return the numbers of the seed `thresholds` by name."""
    seed = pd.read_csv(SEEDS / "thresholds.csv")
    return dict(zip(seed["name"], seed["value"].astype(int), strict=True))


@cache
def _read(path: Path) -> pd.DataFrame:
    """Return one delivered file."""
    if path.name.endswith(".csv"):
        return pd.read_csv(path)
    rows = pd.read_json(path, lines=True, dtype=False, convert_dates=False, compression="gzip")
    return rows if len(rows) else pd.DataFrame()


def _rows(deliveries: Path, until: date, name: str, instant: str) -> pd.DataFrame:
    """Return a table's rows of known households in all deliveries up to the date."""
    folders = [f for f in sorted(deliveries.glob("20??-??-??")) if f.name <= until.isoformat()]
    rows = pd.concat([_read(folder / name) for folder in folders], ignore_index=True)
    rows = rows[rows["household_id"].notna()].astype({"household_id": "int64"})
    utc = pd.to_datetime(rows[instant], utc=True)
    local = utc.dt.tz_convert("America/New_York").dt.tz_localize(None)
    at = {instant: utc.dt.tz_localize(None), "day": local.dt.normalize(), "hour": local.dt.hour}
    return rows.assign(**at)


# --- who can be reached ---------------------------------------------------------------------------


def with_failures(
    view: pd.DataFrame, told: Told, emails: pd.Series, phones: pd.Series
) -> pd.DataFrame:
    """Add who is not to be tried: `emails` and `phones` are the tidy addresses of all records."""
    days = limits()["deliverability_days"]
    hard = told.within(told.emails[told.emails["bounce_type"] == "hard"], days)
    spam = told.emails[told.emails["event_type"] == "complaint"]
    lost = told.within(told.texts[told.texts["error_code"] == "permanent"], days)
    shut = {*emails.reindex(hard["household_id"]), *emails.reindex(spam["household_id"])}
    return view.assign(
        email_failed=view["email_norm"].isin(shut - {None}) | view.index.isin(spam["customer_id"]),
        sms_failed=view["phone_e164"].isin({*phones.reindex(lost["household_id"])} - {None}),
    )


# --- what became of messages ----------------------------------------------------------------------


def with_messages(view: pd.DataFrame, told: Told) -> pd.DataFrame:
    """Add what became of e-mails and texts."""
    sent = told.emails[told.emails["event_type"] == "delivered"]
    opens, clicks = told.firsts("open"), told.firsts("click")
    texts = told.texts[told.texts["event_type"] == "delivered"]

    def count(rows: pd.DataFrame, days: int) -> pd.Series:
        sizes = told.within(rows, days).groupby("customer_id").size()
        return sizes.reindex(view.index, fill_value=0)

    added = pd.DataFrame(
        {
            "email_sent_30d": count(sent, 30),
            "email_opens_30d": count(opens, 30),
            "email_clicks_30d": count(clicks, 30),
            "email_open_rate_90d": _rate(count(opens, 90), count(sent, 90)),
            "email_click_rate_90d": _rate(count(clicks, 90), count(sent, 90)),
            "last_email_sent_date": sent.groupby("customer_id")["day"].max(),
            "last_email_open_date": told.lasts("open"),
            "last_email_click_date": told.lasts("click"),
            "sms_sent_30d": count(texts, 30),
            "best_send_hour_local": _best_hours(told.within(opens, limits()["response_days"])),
        },
        index=view.index,
    )
    status = _statuses(told, added, count(sent, limits()["recipient_days"]))
    return view.join(added.assign(email_engagement_status=status))


def _rate(answered: pd.Series, sent: pd.Series) -> pd.Series:
    """Return the exact rate, at most 1; null below the minimum of messages sent."""
    least = limits()["minimum_messages_sent"]
    rates = [
        min(Fraction(int(a), int(s)), Fraction(1)) if s >= least else None
        for a, s in zip(answered, sent, strict=True)
    ]
    return pd.Series(rates, index=sent.index, dtype=object)


def _best_hours(opens: pd.DataFrame) -> pd.Series:
    """Return the hour with most opens, the earliest of equals; needs a minimum of opens."""
    best = {}
    for customer, hours in opens.groupby("customer_id")["hour"]:
        if len(hours) >= limits()["minimum_messages_opened"]:
            best[customer] = int(hours.mode().min())
    return pd.Series(best, dtype="Int64")


def _statuses(told: Told, added: pd.DataFrame, sent: pd.Series) -> pd.Series:
    """Return how each customer stands to e-mail."""
    since = told.at - limits()["engagement_days"] * DAY
    answers = added[["last_email_open_date", "last_email_click_date"]].max(axis=1)
    status = pd.Series("inactive", index=sent.index)
    status[answers > since] = "active"
    status[sent < limits()["minimum_messages_sent"]] = "new"
    status[sent == 0] = "non_recipient"
    return status


def with_preferred_channel(view: pd.DataFrame, told: Told, letters: pd.DataFrame) -> pd.DataFrame:
    """Add the contactable channel that is answered most; `letters` has customer, day, answered."""
    days, weight = limits()["response_days"], limits()["response_base_weight"]
    sent = told.within(told.emails[told.emails["event_type"] == "delivered"], days)
    clicks, mailed = told.within(told.firsts("click"), days), told.within(letters, days)

    def rates(answered: pd.Series, received: pd.Series) -> list[Fraction]:
        above, below = (s.reindex(view.index, fill_value=0) for s in (answered, received))
        base = _six_digits(Fraction(int(above.sum()), int(below.sum()) or 1))
        pairs = zip(above, below, strict=True)
        return [_six_digits((int(a) + weight * base) / (int(b) + weight)) for a, b in pairs]

    by_mail = rates(clicks.groupby("customer_id").size(), sent.groupby("customer_id").size())
    answers = mailed.groupby("customer_id")["answered"]
    by_post = rates(answers.sum(), answers.size())
    told_by = zip(view["contactable_email"], view["contactable_direct_mail"],
                  view["contactable_sms"], by_mail, by_post, strict=True)  # fmt: skip
    return view.assign(contact_channel_pref=[_preferred(*each) for each in told_by])


def _six_digits(number: Fraction) -> Fraction:
    return Fraction(int(number * 10**6 + Fraction(1, 2)), 10**6)


def _preferred(
    email: bool, letter: bool, text: bool, by_mail: Fraction, by_post: Fraction
) -> str | None:
    if email and (not letter or by_mail >= by_post):
        return "email"
    return "direct_mail" if letter else "sms" if text else None


# --- visits ---------------------------------------------------------------------------------------


def with_visits(view: pd.DataFrame, told: Told, lines: pd.DataFrame) -> pd.DataFrame:
    """Add visits; `lines` are the customers' sale lines with `sold_at` in UTC."""
    recent = told.within(told.visits, 30).groupby("customer_id")
    viewed = told.visits[told.visits["last_category"].notna()]
    viewed = viewed.sort_values(["started_at", "last_category"], ascending=[False, True])
    counts = {
        "web_sessions_30d": recent.size(),
        "product_views_30d": recent["products_viewed"].sum(),
        "carts_abandoned_7d": _abandoned(told, lines).groupby("customer_id")["carts"].sum(),
    }
    zeros = {n: s.reindex(view.index, fill_value=0).astype("int64") for n, s in counts.items()}
    return view.assign(
        **zeros,
        product_views_per_visit_30d=_each(zeros["product_views_30d"], zeros["web_sessions_30d"]),
        last_web_visit_date=told.visits.groupby("customer_id")["day"].max(),
        last_viewed_category=viewed.groupby("customer_id")["last_category"].first(),
    )


def _each(viewed: pd.Series, visits: pd.Series) -> pd.Series:
    """Return the exact number of pages a visit; null without one."""
    pairs = zip(viewed, visits, strict=True)
    found = [Fraction(int(pages), int(count)) if count else None for pages, count in pairs]
    return pd.Series(found, index=visits.index, dtype=object)


def _abandoned(told: Told, lines: pd.DataFrame) -> pd.DataFrame:
    """Return the visits with carts after which nothing was bought for 24 hours."""
    week = told.within(told.visits, 7)
    carts = week[(week["carts"] > 0) & (week["day"] < told.at) & week["basket_id"].isna()]
    sales = lines.loc[lines["day"] > told.at - 10 * DAY, ["customer_id", "sold_at"]]
    pairs = carts[["session_id", "customer_id", "started_at"]].merge(sales, on="customer_id")
    after = pairs["sold_at"] - pairs["started_at"]
    bought = pairs[(after >= 0 * DAY) & (after <= DAY)]["session_id"]
    return carts[~carts["session_id"].isin(bought)]
