"""Is a delivery as large as deliveries of that weekday are?"""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Sequence

from flows.contracts.contract import Contract

# From fewer weeks nothing can be said of what is usual.
FEWEST_WEEKS = 3


def out_of_band(
    contract: Contract, day: dt.date, rows: int, same_weekdays: Sequence[int]
) -> str | None:
    """Return the sentence that says how a row count leaves its band, or None where it does not.

    The band is the contract's: so many times the median of the same weekdays of the last weeks.
    """
    low, high = contract.row_band_low, contract.row_band_high
    if low is None or high is None or len(same_weekdays) < FEWEST_WEEKS:
        return None
    median = statistics.median(same_weekdays)
    if low * median <= rows <= high * median:
        return None
    weekday = day.strftime("%A")
    return (
        f"{contract.table} for {day} has {rows:,} rows, and the median of the last "
        f"{len(same_weekdays)} {weekday}s is {median:,.0f}: the contract's band is "
        f"{low * median:,.0f} to {high * median:,.0f}. Ask {contract.owner} whether that is right"
    )
