"""How the values of each attribute are spread in a build, with those of its base beside.

Read from `marts.attribute_distributions`, whose buckets have fixed edges; neighbours are put
together here, in both builds alike, until a picture can show them.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any, NamedTuple

EPOCH = dt.date(1970, 1, 1)
NUMBERS = ("minimum", "quantile_10", "quantile_25", "quantile_50", "quantile_75", "quantile_90")
PROFILE = (*NUMBERS, "maximum", "mean")
COLUMNS = (
    *("attribute", "bucket_position", "is_known", "value", "low_number", "high_number"),
    *("customer_count", "kind", "all_count", "profiled_count", "known_count", "zero_count"),
    *("value_count", *PROFILE),
)
QUERY = (
    f"select {', '.join(COLUMNS)} from marts.attribute_distributions "
    "order by attribute_position, bucket_position"
)
# More cannot be told apart in a small picture.
MOST_BUCKETS = 14

Row = Mapping[str, Any]


class Edges(NamedTuple):
    """What a bucket holds: a value, or what lies between two numbers, or what is not known."""

    value: str | None
    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True)
class Bucket:
    """Customers of one bucket, today and in the base (None where that is not known)."""

    label: str
    today: int
    before: int | None


@dataclass(frozen=True)
class Distribution:
    """One attribute of a build.

    Args:
        kind: integer, decimal, date, boolean, text, personal, not profiled or many values.
        unknown: the bucket of who has no value.
        numbers: minimum, quantiles, maximum and mean, in words; empty for words.
        shift: population stability index against the base, None where there is nothing to compare.
    """

    attribute: str
    kind: str
    all_count: int
    profiled_count: int
    known_count: int
    zero_count: int | None
    value_count: int | None
    unknown: Bucket
    buckets: tuple[Bucket, ...]
    numbers: Mapping[str, str]
    shift: float | None

    @property
    def known_share(self) -> float:
        """Of how many customers it is known, 0 to 1."""
        return self.known_count / self.all_count if self.all_count else 0.0


def lay_beside(today: Sequence[Row], before: Sequence[Row]) -> list[Distribution]:
    """Return each attribute of today's rows with the base's rows of the same attribute beside."""
    earlier = _by_attribute(before)
    return [
        _distribution(rows, earlier.get(name, [])) for name, rows in _by_attribute(today).items()
    ]


def shift_between(today: Sequence[int], before: Sequence[int]) -> float | None:
    """Return the population stability index of two counts of the same buckets.

    The sum of (p - q) ln(p / q) over the buckets, p and q being their shares; an empty bucket
    counts as half a customer. None where either side has nobody.
    """
    all_today, all_before = sum(today), sum(before)
    if not all_today or not all_before:
        return None
    shares = [
        (max(now, 0.5) / all_today, max(then, 0.5) / all_before)
        for now, then in zip(today, before, strict=True)
        if now or then
    ]
    return sum((p - q) * math.log(p / q) for p, q in shares)


def _by_attribute(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["attribute"], []).append(row)
    return found


def _distribution(today: list[Row], before: list[Row]) -> Distribution:
    first = today[0]
    now, then = _counts(today), _counts(before) if _comparable(today, before) else None
    unknown = Bucket("not known", _unknown(today), _unknown(before) if before else None)
    spans = _gathered(first["kind"], now, then or {})
    buckets = tuple(
        Bucket(
            _label(first["kind"], span),
            sum(now.get(each, 0) for each in span),
            sum(then.get(each, 0) for each in span) if then is not None else None,
        )
        for span in spans
    )
    every = [unknown, *buckets]
    known_before = [each.before for each in every if each.before is not None]
    comparable = len(known_before) == len(every)
    return Distribution(
        attribute=first["attribute"],
        kind=first["kind"],
        all_count=first["all_count"],
        profiled_count=first["profiled_count"],
        known_count=first["known_count"] or 0,
        zero_count=first["zero_count"],
        value_count=first["value_count"],
        unknown=unknown,
        buckets=buckets,
        numbers={
            name: _in_words(first["kind"], first[name])
            for name in PROFILE
            if first[name] is not None
        },
        shift=shift_between([each.today for each in every], known_before) if comparable else None,
    )


def _counts(rows: Iterable[Row]) -> dict[Edges, int]:
    known = [row for row in rows if row["is_known"]]
    return {
        Edges(row["value"], row["low_number"], row["high_number"]): row["customer_count"]
        for row in known
    }


def _unknown(rows: Iterable[Row]) -> int:
    return sum(row["customer_count"] for row in rows if not row["is_known"])


def _comparable(today: Sequence[Row], before: Sequence[Row]) -> bool:
    """False where nothing is before, or where the edges moved, as when a share left 0 to 1."""
    if not before or before[0]["kind"] != today[0]["kind"]:
        return False
    spans = sorted(
        (edges.low, edges.high)
        for edges in _counts([*today, *before])
        if edges.low is not None and edges.high is not None and edges.low < edges.high
    )
    return all(one[1] <= other[0] for one, other in pairwise(spans))


def _gathered(
    kind: str, now: Mapping[Edges, int], then: Mapping[Edges, int]
) -> list[tuple[Edges, ...]]:
    every = {edges: now.get(edges, 0) + then.get(edges, 0) for edges in {**now, **then}}
    if kind not in ("integer", "decimal", "date"):
        by_size = sorted(every, key=lambda edges: (-every[edges], edges.value or ""))
        return [(edges,) for edges in by_size]
    spans: list[tuple[Edges, ...]] = [
        (edges,) for edges in sorted(every, key=lambda edges: (edges.low, edges.high))
    ]
    while len(spans) > MOST_BUCKETS:
        # The rarest neighbours are put together; zero stands for itself.
        sizes = {
            place: sum(every[edges] for edges in (*spans[place], *spans[place + 1]))
            for place in range(len(spans) - 1)
            if not (_is_zero(spans[place]) or _is_zero(spans[place + 1]))
        }
        place = min(sizes, key=lambda each: (sizes[each], each))
        spans[place : place + 2] = [(*spans[place], *spans[place + 1])]
    return spans


def _is_zero(span: tuple[Edges, ...]) -> bool:
    return span[0].low == span[0].high == 0


def _label(kind: str, span: tuple[Edges, ...]) -> str:
    low, high = span[0].low, span[-1].high
    if low is None or high is None:
        return span[0].value if span[0].value is not None else "known"
    if kind == "date":
        return _period(_day(low), _day(high))
    if low == high:
        return _number(low)
    if kind == "integer":
        last = high - 1
        return _number(low) if low == last else f"{_number(low)} to {_number(last)}"
    return f"{_number(low)} to {_number(high)}"


def _period(first: dt.date, end: dt.date) -> str:
    last = end - dt.timedelta(days=1)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first:%b %Y}"
    if first.month == 1 and last.month == 12:
        return f"{first.year}" if first.year == last.year else f"{first.year} to {last.year}"
    return f"{first:%b %Y} to {last:%b %Y}"


def _in_words(kind: str, number: Decimal) -> str:
    return _day(number).isoformat() if kind == "date" else _number(number)


def _day(number: Decimal) -> dt.date:
    return EPOCH + dt.timedelta(days=round(number))


def _number(number: Decimal) -> str:
    places = 0 if number == number.to_integral_value() else 2 if abs(number) >= 1 else 4
    said = f"{number:,.{places}f}"
    return said.rstrip("0").rstrip(".") if "." in said else said
