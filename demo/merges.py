"""The made-up merges: which household the CRM found to be the same as another, and when."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from demo.draw import day, moment, share, whole
from demo.people import YEAR_END, YEAR_START, Household

MERGED, TAKEN_BACK = 0.02, 0.15  # shares of all households, and of those merged
# Of several salts tried, this one gives a merge on each of 19, 20 and 21 November, and in the
# history before them a chain of two and a merge that was taken back.
SALT = "merged:520"


@dataclass(frozen=True)
class Merge:
    """One word of the CRM: the columns of the table `household_merges`, in its order."""

    household_id: int
    merged_into_household_id: int | None  # None takes the merge back
    merged_at: datetime  # UTC


def merges(change_log: Iterable[Household]) -> list[Merge]:
    """Return all merges up to the end of 2017, ordered by time and household."""
    registered = {h.household_id: h.registered_on for h in change_log}
    ids = sorted(registered)
    # Into the household before it: a chain arises where that one is merged too, a circle never.
    pairs = zip(ids[1:], ids, strict=False)
    found = [
        merge
        for one, other in pairs
        for merge in _of_pair(one, other, max(registered[one], registered[other]))
    ]
    return sorted(found, key=lambda merge: (merge.merged_at, merge.household_id))


def _of_pair(one: int, other: int, both_since: date) -> Iterator[Merge]:
    """Yield what the CRM says of one household and the one before it, if anything."""
    earliest = max(both_since + timedelta(days=1), YEAR_START)
    if share(one, SALT) >= MERGED or earliest > YEAR_END:
        return
    merged_on = day(earliest, YEAR_END, one, f"{SALT}:day")
    yield Merge(one, other, moment(merged_on, one, f"{SALT}:time"))
    back_on = merged_on + timedelta(days=whole(5, 60, one, f"{SALT}:back:days"))
    if share(one, f"{SALT}:back") < TAKEN_BACK and back_on <= YEAR_END:
        yield Merge(one, None, moment(back_on, one, f"{SALT}:back:time"))
