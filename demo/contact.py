"""Names and contact details of the made-up people; nobody can be reached under any of them.

E-mail addresses are at example.com, .org and .net, which never receive mail (RFC 2606); telephone
numbers are 555-0100 to 555-0199, which the North American plan keeps for fiction.
"""

from collections.abc import Collection
from unicodedata import normalize

from demo.draw import pick, share, whole
from demo.words import AREA_CODES, FEMALE_NAMES, LAST_NAMES, MALE_NAMES, STREETS, TOWNS

PHONE_FORMATS = ("({0}) 555-{1}", "{0}-555-{1}", "+1{0}555{1}")
DOMAINS = ("example.com", "example.org", "example.net")
MISSING, MALFORMED, SHARED, UNTIDY = 0.03, 0.01, 0.015, 0.05  # shares of all e-mail addresses


def gender(household_id: int) -> str | None:
    """Return 'F', 'M', 'X' or, for one household in ten, None."""
    at = share(household_id, "gender")
    return "F" if at < 0.50 else "M" if at < 0.885 else "X" if at < 0.90 else None


def full_name(household_id: int) -> tuple[str, str]:
    """Return (first name, last name); the first name follows the gender where one is known."""
    known = {"F": FEMALE_NAMES, "M": MALE_NAMES}
    first_names = known.get(gender(household_id) or "", FEMALE_NAMES + MALE_NAMES)
    first = pick(first_names, household_id, "first_name")
    return first, pick(LAST_NAMES, household_id, "last_name")


def phone(household_id: int, version: int = 1) -> str | None:
    """Return a fictional US number in one of three spellings; None for 8 % of first versions.

    There are 4,000 such numbers for some 2,300 households, so some households share one.
    """
    salt = f"phone:{version}"
    if version == 1 and share(household_id, f"{salt}:missing") < 0.08:
        return None
    area = pick(AREA_CODES, household_id, f"{salt}:area")
    last_four = f"01{whole(0, 99, household_id, f'{salt}:line'):02d}"
    return pick(PHONE_FORMATS, household_id, f"{salt}:format").format(area, last_four)


def address(household_id: int, version: int = 1) -> tuple[str | None, str, str, str]:
    """Return (address line, city, region, postal code); 4 % of first versions lack the line."""
    salt = f"address:{version}"
    city, region, prefix = pick(TOWNS, household_id, f"{salt}:town")
    postal_code = f"{prefix}{whole(1, 59, household_id, f'{salt}:postal_code'):02d}"
    if version == 1 and share(household_id, f"{salt}:missing") < 0.04:
        return None, city, region, postal_code
    street = pick(STREETS, household_id, f"{salt}:street")
    return f"{whole(1, 9899, household_id, f'{salt}:number')} {street}", city, region, postal_code


def email(household_id: int, everyone: Collection[int]) -> str | None:
    """Return the first e-mail address of a household as the CRM holds it, faults included.

    Some share the address of the household before them in `everyone` (all household ids), so
    that it matters which record of an address is the main one.
    """
    at = share(household_id, "email:fault")
    if at < MISSING:
        return None
    if at < MISSING + MALFORMED:
        return _own_email(household_id).replace("@", ".")
    if at < MISSING + MALFORMED + SHARED:
        return _own_email(_holder(household_id, everyone))
    return _untidy(_own_email(household_id), share(household_id, "email:untidy"))


def new_email(household_id: int) -> str:
    """Return the address a household changes to: well-formed, and its own."""
    first, last = (_letters(name) for name in full_name(household_id))
    return f"{first[0]}{last}{household_id}@{pick(DOMAINS, household_id, 'email:new')}"


def _own_email(household_id: int) -> str:
    """Return the tidy address first.last.ID@domain."""
    first, last = (_letters(name) for name in full_name(household_id))
    return f"{first}.{last}.{household_id}@{pick(DOMAINS, household_id, 'email:domain')}"


def _holder(household_id: int, everyone: Collection[int]) -> int:
    """Return the nearest lower id that has an address of its own; the same id if there is none."""
    for other in range(household_id - 1, 0, -1):
        has_own = share(other, "email:fault") >= MISSING + MALFORMED + SHARED
        if other in everyone and has_own:
            return other
    return household_id


def _untidy(address: str, at: float) -> str:
    """Return the address as typed by a careless clerk for the lowest 5 % of `at`, else as is."""
    if at < UNTIDY / 2:
        return address.upper()
    return f" {address}  " if at < UNTIDY else address


def _letters(name: str) -> str:
    """Return the name in lower-case ASCII letters: 'Núñez' -> 'nunez', "O'Brien" -> 'obrien'."""
    return "".join(c for c in normalize("NFD", name) if c.isascii() and c.isalpha()).lower()
