"""What one build says of its customers: counts by stage, score and channel, and its profiles.

A build that is older than a table says nothing of what stands in it; nor does one that is gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import duckdb

from flows import distributions

CHANNELS = {
    "contactable_any": "any channel",
    "contactable_email": "e-mail",
    "contactable_sms": "text message",
    "contactable_direct_mail": "letter",
}
FLAGS = ", ".join(f"count(*) filter (where {flag})" for flag in CHANNELS)
STANDING = """
    select lifecycle_stage, rfm_recency_score, rfm_frequency_score,
        case when is_vip then '6' else coalesce(cast(rfm_monetary_score as varchar), '0') end,
        count(*)
    from marts.customer_lifecycle group by all
"""

Rows = list[tuple[Any, ...]]


class Standing:
    """Counts of one build; None and nothing where it does not know.

    Everything is asked when it is made: the connection may be closed afterwards.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection | None = None) -> None:
        self._connection = connection
        self._standing = self.ask(STANDING)
        self.is_known = bool(self._standing)
        self.customers = sum(row[-1] for row in self._standing) if self.is_known else None
        flags = self.ask(f"select {FLAGS} from marts.customer_reachability")
        self.channels = dict(zip(CHANNELS, flags[0], strict=True)) if flags else None
        names = distributions.COLUMNS
        found = self.ask(distributions.QUERY)
        self.profiles = [dict(zip(names, row, strict=True)) for row in found]

    def ask(self, query: str) -> Rows:
        """Return the rows of a query, or none where the build does not have what it asks for."""
        if self._connection is None:
            return []
        try:
            return self._connection.execute(query).fetchall()
        except (duckdb.CatalogException, duckdb.BinderException):
            return []

    @property
    def stages(self) -> dict[str, int] | None:
        """Customers by lifecycle stage."""
        return self._counted(lambda row: row[0])

    @property
    def cells(self) -> dict[tuple[int, int], int] | None:
        """Customers by recency and frequency score."""
        return self._counted(lambda row: (row[1], row[2]))

    def tiers(self, tier_of: Mapping[str, str]) -> dict[str, int] | None:
        """Customers by tier of value, named by its code."""
        return self._counted(lambda row: tier_of.get(row[3], row[3]))

    def _counted(self, key: Any) -> dict[Any, int] | None:
        if not self.is_known:
            return None
        found: Counter[Any] = Counter()
        for row in self._standing:
            found[key(row)] += row[-1]
        return dict(found)
