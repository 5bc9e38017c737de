"""The made-up visits to the client's web site and app, where lists are kept and nothing is sold."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from hashlib import sha256

from demo.draw import share, shares
from demo.people import Household
from demo.responses import SHOP_TIME
from demo.source import Period

OPENED = date(2017, 6, 15)
DEVICES = ("phone", "phone", "app", "desktop", "tablet")
NOT_TIED, WITH_CART = 1 / 3, 0.15  # of all sessions


@dataclass(frozen=True)
class Session:
    """One row of `web_sessions`; `started_at` in UTC, `cart_value` in US dollars."""

    session_id: str
    household_id: int | None  # None: not tied to a customer
    started_at: datetime
    device: str
    page_views: int
    products_viewed: int
    carts: int
    cart_value: float
    last_category: str | None
    basket_id: int | None  # None: orders are placed at the tills


@dataclass(frozen=True)
class Visitor:
    """A household that may visit from its registration on, and the categories that it buys."""

    household_id: int
    since: date
    bought: Sequence[str]


def visitors(
    change_log: Iterable[Household], categories: Mapping[int, Sequence[str]]
) -> list[Visitor]:
    """Return the households that may visit; whoever buys nothing looks at no category."""
    since = {h.household_id: h.registered_on for h in change_log}
    return [Visitor(one, on, categories.get(one, ())) for one, on in since.items()]


def sessions(of: Sequence[Visitor], period: Period) -> Iterator[Session]:
    """Yield the sessions of a period, about 0.08 a household and day."""
    # A local evening is the next day in UTC: the day before the period has sessions in it too.
    on = max(period.first - timedelta(days=1), OPENED)
    while on <= period.last:
        for visitor in of:
            if visitor.since < on and _visits(visitor.household_id, on):
                yield _session(visitor.household_id, visitor.bought, on)
        on += timedelta(days=1)


def _visits(household_id: int, on: date) -> bool:
    return share(household_id, f"web:{on}") < _inclination(household_id)


@cache
def _inclination(household_id: int) -> float:
    """Return the chance of a visit on a day; 0.08 on average."""
    return 0.24 * share(household_id, "web:visits") ** 2


def _session(household_id: int, bought: Sequence[str], on: date) -> Session:
    salt = f"web:{on}:session"
    hour, views, looked, cart, tied = shares(household_id, salt)
    device, value, category, kept, _ = shares(household_id, f"{salt}:more")
    start = datetime.combine(on, time(6), SHOP_TIME).astimezone(UTC)
    pages = 1 + int(views**2 * 24)
    products = min(int(looked * 1.4 * pages), pages)
    carts = 0 if not products or cart >= WITH_CART else 1 if kept < 0.9 else 2
    return Session(
        session_id=sha256(f"{household_id}:{salt}:id".encode()).hexdigest()[:20],
        household_id=None if tied < NOT_TIED else household_id,
        started_at=start + timedelta(seconds=int(hour * 18 * 3600)),
        device=DEVICES[int(device * len(DEVICES))],
        page_views=pages,
        products_viewed=products,
        carts=carts,
        cart_value=round(4 + value * 90, 2) if carts else 0.0,
        last_category=bought[int(category * len(bought))] if products and bought else None,
        basket_id=None,
    )
