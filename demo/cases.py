"""The made-up service cases: what households complained of or asked, and what came of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from demo.draw import day, moment, pick, share, whole
from demo.people import YEAR_END, YEAR_START, Household

# Shares of all households with at least one, two and three cases in the year.
AT_LEAST = (0.26, 0.08, 0.03)
SLOW = 0.05  # of all cases take months
RATED = 0.45  # of all closed cases
# Since then the service desk notes by which way a case came in, and how urgent it is.
NOTED_FROM = date(2017, 11, 22)
WAYS = ("telephone", "e-mail", "shop", "web")
TOPICS = ("delivery", "price", "product", "store", "points", "account", "privacy")


@dataclass(frozen=True)
class Case:
    """One version of a case: the columns of the table `service_cases`, in its order."""

    case_id: int
    household_id: int
    opened_at: datetime  # UTC
    closed_at: datetime | None  # UTC
    topic: str
    csat: int | None  # 1 to 5, as the household rated it
    status: str  # open, closed
    updated_at: datetime  # UTC
    contact_channel: str | None
    priority: int | None  # 1, the most urgent, to 4


def cases(change_log: Iterable[Household]) -> list[Case]:
    """Return all versions up to the end of 2017, ordered by time and case."""
    registered = {h.household_id: h.registered_on for h in change_log}
    found = [
        version
        for household_id, since in sorted(registered.items())
        for number, of_all in enumerate(AT_LEAST, start=1)
        if share(household_id, "cases") < of_all
        for version in _of_case(household_id, number, since)
    ]
    return sorted(found, key=lambda case: (case.updated_at, case.case_id))


def _of_case(household_id: int, number: int, registered_on: date) -> Iterator[Case]:
    """Yield a case as it was opened and, if that is in the year, as it was closed."""
    salt, earliest = f"case:{number}", max(registered_on, YEAR_START)
    if earliest > YEAR_END:
        return
    opened_on = day(earliest, YEAR_END, household_id, f"{salt}:day")
    opened_at = moment(opened_on, household_id, f"{salt}:time")
    case_id, topic = household_id * 10 + number, pick(TOPICS, household_id, f"{salt}:topic")
    noted = _noted(household_id, salt) if opened_on >= NOTED_FROM else (None, None)
    yield Case(case_id, household_id, opened_at, None, topic, None, "open", opened_at, *noted)
    longest = 120 if share(household_id, f"{salt}:slow") < SLOW else 14
    closed_on = opened_on + timedelta(days=whole(1, longest, household_id, f"{salt}:days"))
    if closed_on > YEAR_END:
        return
    closed_at = moment(closed_on, household_id, f"{salt}:closed")
    rated = share(household_id, f"{salt}:rated") < RATED
    csat = whole(1, 5, household_id, f"{salt}:csat") if rated else None
    if closed_on >= NOTED_FROM:
        noted = _noted(household_id, salt)
    closed = ("closed", closed_at, *noted)
    yield Case(case_id, household_id, opened_at, closed_at, topic, csat, *closed)


def _noted(household_id: int, salt: str) -> tuple[str, int]:
    way = pick(WAYS, household_id, f"{salt}:way")
    return way, whole(1, 4, household_id, f"{salt}:priority")
