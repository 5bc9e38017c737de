"""How often somebody may ask: per person and per address, and sooner for what costs more."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter


@dataclass(frozen=True)
class Rates:
    """How often, in the words of the library `limits`."""

    address: str = "600/minute"
    enter: str = "20/minute"
    look: str = "240/minute"
    typing: str = "90/minute"
    save: str = "40/minute"
    begin: str = "30/hour"
    check: str = "12/minute"
    paper: str = "30/minute"
    upload: str = "40/hour"


class Meter:
    """Counts in this process: one process serves a desk."""

    def __init__(self, rates: Rates) -> None:
        self._limits: dict[str, RateLimitItem] = {
            name: parse(told) for name, told in rates.__dict__.items()
        }
        self._storage = MemoryStorage()
        self._limiter = MovingWindowRateLimiter(self._storage)

    def wait(self, what: str, who: str) -> int:
        """Count one more; return 0, or the seconds until the next is let in."""
        limit = self._limits[what]
        if self._limiter.hit(limit, what, who):
            return 0
        stats = self._limiter.get_window_stats(limit, what, who)
        return max(1, math.ceil(stats.reset_time - time.time()))
