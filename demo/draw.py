"""Repeatable chance: every draw depends on a household id and a salt, and on nothing else.

Python's `random` would tie a household's fate to the order in which households are visited;
a hash per household and question lets one answer change without moving all the others.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import TypeVar

T = TypeVar("T")


def share(household_id: int, salt: str) -> float:
    """Return a uniform number in [0, 1) for one household and one question (`salt`)."""
    digest = sha256(f"{household_id}:{salt}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48  # 48 bits fit a float exactly, so never 1.0


def pick(options: Sequence[T], household_id: int, salt: str) -> T:
    """Return one of `options` (at least one), each equally likely."""
    return options[int(share(household_id, salt) * len(options))]


def whole(low: int, high: int, household_id: int, salt: str) -> int:
    """Return an integer from `low` to `high`, both included."""
    return low + int(share(household_id, salt) * (high - low + 1))


def day(first: date, last: date, household_id: int, salt: str) -> date:
    """Return a calendar date from `first` to `last`, both included."""
    return first + timedelta(days=whole(0, (last - first).days, household_id, salt))


def moment(on: date, household_id: int, salt: str) -> datetime:
    """Return an instant (UTC, whole seconds) on the UTC date `on`, from 12:00:00 to 23:59:59.

    Noon to midnight in UTC is shop hours in New York, and keeps UTC and local date the same.
    """
    midnight = datetime(on.year, on.month, on.day, tzinfo=UTC)
    return midnight + timedelta(seconds=whole(12 * 3600, 24 * 3600 - 1, household_id, salt))


def shares(household_id: int, salt: str) -> tuple[float, float, float, float, float]:
    """Return five independent uniform numbers in [0, 1) for the price of one hash."""
    digest = sha256(f"{household_id}:{salt}".encode()).digest()
    a, b, c, d, e = (int.from_bytes(digest[at : at + 6], "big") / 2**48 for at in range(0, 30, 6))
    return a, b, c, d, e
