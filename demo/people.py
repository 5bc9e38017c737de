"""The made-up people: what the client's CRM says about each household, and how that changed.

Real are the household ids and the demographics of 801 of them; the rest is drawn from the id.
The faults (missing, placeholder and shared values) are there on purpose: a CRM has them.
"""

from calendar import isleap
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from demo.contact import address, email, full_name, gender, new_email, phone
from demo.draw import day, moment, pick, share, whole

YEAR_START, YEAR_END = date(2017, 1, 1), date(2017, 12, 31)
AGE_SURVEY = 2017  # the age bands are read as of 1 July of this year
AGES = {"19-24": (19, 24), "25-34": (25, 34), "35-44": (35, 44), "45-54": (45, 54)}
AGES |= {"55-64": (55, 64), "65+": (65, 86)}
# Of several salts tried, this one closes a household on each of 19, 20 and 21 November.
CLOSED = "closed:237"


@dataclass(frozen=True)
class Known:
    """What the data set really knows of a household; `first_seen` is its first date in 2017.

    The seven demographics are None for the households without them.
    """

    household_id: int
    first_seen: date
    age_band: str | None
    income_band: str | None
    home_ownership: str | None
    marital_status: str | None
    household_size: str | None
    household_composition: str | None
    kids_count: str | None


@dataclass(frozen=True)
class Household:
    """One version of a CRM record: the columns of the table `households`, in its order."""

    household_id: int
    registered_on: date
    first_name: str
    last_name: str
    email: str | None
    phone: str | None
    birth_date: date | None
    gender: str | None
    language: str | None
    country: str
    region: str
    city: str
    address_line: str | None
    postal_code: str
    age_band: str | None
    income_band: str | None
    home_ownership: str | None
    marital_status: str | None
    household_size: str | None
    household_composition: str | None
    kids_count: str | None
    is_test: bool
    is_blocked: bool
    is_employee: bool
    deleted_at: datetime | None  # UTC
    updated_at: datetime  # UTC


def change_log(known: Iterable[Known]) -> list[Household]:
    """Return the CRM's whole change log: one to three versions a household, by id and time."""
    facts = {one.household_id: one for one in known}
    versions: list[Household] = []
    for household_id in sorted(facts):
        first = _first_version(facts[household_id], facts.keys())
        second = _changed(first)
        open_ones = [first] if second is None else [first, second]
        closed = _closed(open_ones[-1])
        versions += open_ones if closed is None else [*open_ones, closed]
    return versions


def registered_on(known: Known) -> date:
    """Return the date on which the household got its card: never after it was first seen.

    Whoever is seen in January has had the card for long: the data set starts then, not the shop.
    """
    if known.first_seen < date(2017, 2, 1):
        return known.first_seen - timedelta(days=whole(30, 1500, known.household_id, "registered"))
    if share(known.household_id, "prospect") < 1 / 3:
        return known.first_seen - timedelta(days=whole(1, 60, known.household_id, "registered"))
    return known.first_seen


def birth_date(household_id: int, age_band: str | None) -> date | None:
    """Return a date of birth that fits the age band; 20 % have none, 2 % a placeholder."""
    at = share(household_id, "birth_date:fault")
    if at < 0.22:
        return None if at < 0.20 else date(1900, 1, 1)
    earliest, latest = date(1930, 1, 1), date(1998, 12, 31)
    if age_band is not None:
        low, high = AGES[age_band]
        earliest = date(AGE_SURVEY - high - 1, 7, 2)
        latest = date(AGE_SURVEY - low, 7, 1)
    if at < 0.23:  # a birthday that most years lack must occur, and chance alone gives too few
        years = [y for y in range(earliest.year + 1, latest.year + 1) if isleap(y)]
        return date(pick(years, household_id, "birth_date:leap"), 2, 29)
    return day(earliest, latest, household_id, "birth_date")


def _first_version(known: Known, everyone: Collection[int]) -> Household:
    """Return the record as it was entered at registration."""
    h = known.household_id
    since = registered_on(known)
    first_name, last_name = full_name(h)
    # A few live with somebody who has a card too, under one name, and write the street their way.
    housemate = _housemate(h, everyone)
    if housemate is not None:
        last_name = full_name(housemate)[1]
    address_line, city, region, postal_code = address(housemate or h)
    if housemate is not None and address_line is not None:
        address_line = address_line.upper()
    spoken = share(h, "language")
    return Household(
        h, since, first_name, last_name, email(h, everyone), phone(h),
        birth_date(h, known.age_band), gender(h),
        "es" if spoken < 0.08 else None if spoken < 0.13 else "en",
        "US", region, city, address_line, postal_code,
        known.age_band, known.income_band, known.home_ownership, known.marital_status,
        known.household_size, known.household_composition, known.kids_count,
        share(h, "test_record") < 0.003, share(h, "is_blocked") < 0.006,
        share(h, "is_employee") < 0.01, None, moment(since, h, "registered_at"),
    )  # fmt: skip


def _housemate(household_id: int, everyone: Collection[int]) -> int | None:
    """Return the household whose address it shares: the one before it, for one in fifty."""
    shares = share(household_id, "housemate") < 0.02 and household_id - 1 in everyone
    return household_id - 1 if shares else None


def _changed(first: Household) -> Household | None:
    """Return the household's one later version, for a quarter of them: moved, or new contact."""
    h = first.household_id
    earliest = max(first.registered_on + timedelta(days=1), YEAR_START)
    if share(h, "change") >= 0.25 or earliest > YEAR_END:
        return None
    # Of several salts tried, this one gives changes on each of 19, 20 and 21 November, the days
    # that the documentation shows.
    at = moment(day(earliest, YEAR_END, h, "changed_at:day"), h, "changed_at:time")
    kind = share(h, "change:kind")
    if kind < 0.40:
        line, city, region, postal_code = address(h, version=2)
        return replace(first, address_line=line, city=city, region=region,
                       postal_code=postal_code, updated_at=at)  # fmt: skip
    if kind < 0.70:
        return replace(first, email=new_email(h), updated_at=at)
    return replace(first, phone=phone(h, version=2), updated_at=at)


def _closed(latest: Household) -> Household | None:
    """Return the last version of the one household in fifty that is closed during the year."""
    h = latest.household_id
    earliest = max(latest.updated_at.date() + timedelta(days=1), YEAR_START)
    if share(h, CLOSED) >= 0.02 or earliest > YEAR_END:
        return None
    at = moment(day(earliest, YEAR_END, h, f"{CLOSED}:day"), h, f"{CLOSED}:time")
    return replace(latest, deleted_at=at, updated_at=at)
