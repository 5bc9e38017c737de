"""The picture of one build: its customers by stage, value and segment, and what moved.

Read from the build's file and its base's, which nobody writes to any more. A build that is older
than a table says nothing of what stands in it: the picture has an empty place there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from flows import distributions
from flows.distributions import Distribution
from flows.standing import CHANNELS, Standing

SEGMENTS = """
    select coalesce(today.id, before.id), coalesce(today.customers, 0), before.customers,
        (
            select any_value(micro_segment_label) from marts.customer_micro_segments
            where micro_segment_id = today.id
        )
    from (
        select to_micro_segment_id as id, sum(customer_count) as customers
        from marts.micro_segment_migrations group by all
    ) as today
    full join (
        select from_micro_segment_id as id, sum(customer_count) as customers
        from marts.micro_segment_migrations group by all
    ) as before using (id)
    where coalesce(today.id, before.id) <> 'no customer'
    order by 2 desc, 1
"""
NOBODY = "no customer"
# Of the value that a model foresees there is a tier only where a build has predictions.
FORESEEN = "pred_value_tier"


@dataclass(frozen=True)
class Level:
    """Customers of one level: a stage, a tier, a channel; `before` None where it is not known."""

    name: str
    label: str
    today: int
    before: int | None

    @property
    def change(self) -> int | None:
        """Customers more than in the base."""
        return None if self.before is None else self.today - self.before


@dataclass(frozen=True)
class Cell:
    """One field of the map of recency and frequency."""

    recency: int
    frequency: int
    segment: str
    today: int
    before: int | None


@dataclass(frozen=True)
class Picture:
    """Everything that the page of a build shows. Sequences are empty where nothing is known.

    Args:
        stages: in the order in which people read them.
        moves: customers by the stage in the base and the stage now, those who stayed included.
        live_stages: those from which a customer can still be lost.
    """

    build_id: str
    business_date: dt.date
    base_build_id: str | None
    code_version: str
    customers: Level
    stages: Sequence[Level]
    values: Sequence[Level]
    foreseen: Sequence[Level]
    cells: Sequence[Cell]
    segments: Sequence[Level]
    channels: Sequence[Level]
    moves: Mapping[tuple[str, str], int]
    live_stages: frozenset[str]
    distributions: Sequence[Distribution]

    @property
    def moved(self) -> int:
        """Customers of both builds who changed their stage."""
        pairs = self.moves.items()
        return sum(n for (one, other), n in pairs if one != other and NOBODY not in (one, other))

    @property
    def most_moved(self) -> int:
        """Customers of the largest movement from one stage to another."""
        return max((n for (one, other), n in self.moves.items() if one != other), default=0)

    @property
    def labels(self) -> dict[str, str]:
        """What people call each stage, and the place of those who are no customers."""
        return {each.name: each.label for each in self.stages} | {NOBODY: NOBODY}

    @property
    def shifts(self) -> list[Distribution]:
        """The attributes that moved since the base, most first."""
        known = [each for each in self.distributions if each.shift is not None]
        return sorted(known, key=lambda each: (-(each.shift or 0), each.attribute))


def read_picture(build: Path, base: Path | None) -> Picture:
    """Return the picture of a build.

    Args:
        build: its file.
        base: the file of the build that it was forked from, or None where that is gone.
    """
    with duckdb.connect(str(build), read_only=True) as connection:
        today = Standing(connection)
        named = today.ask(
            "select build_id, business_date, base_build_id, code_version from raw.build"
        )
        words = _words(today)
        live = frozenset(
            row[0]
            for row in today.ask(
                "select lifecycle_stage from decisions.lifecycle_stages where is_live"
            )
        )
        segments = [
            Level(row[0], row[3] or row[0], int(row[1]), _whole(row[2]))
            for row in today.ask(SEGMENTS)
        ]
        moves = {
            (row[0], row[1]): int(row[2]) for row in today.ask("from marts.lifecycle_migrations")
        }
    before = Standing()
    if base is not None and base.is_file():
        with duckdb.connect(str(base), read_only=True) as connection:
            before = Standing(connection)
    beside = distributions.lay_beside(today.profiles, before.profiles)
    build_id, business_date, base_build_id, code_version = named[0]
    return Picture(
        build_id=build_id,
        business_date=business_date,
        base_build_id=base_build_id,
        code_version=code_version,
        customers=Level("customers", "customers", today.customers or 0, before.customers),
        stages=_levels(words["stage"], today.stages, before.stages),
        values=_levels(words["value"], today.tiers(words["tier"]), before.tiers(words["tier"])),
        foreseen=_foreseen(beside),
        cells=_cells(words["cell"], today, before),
        segments=segments,
        channels=_levels(CHANNELS, today.channels, before.channels),
        moves=moves,
        live_stages=live,
        distributions=beside,
    )


def _words(half: Standing) -> dict[str, dict[Any, str]]:
    """The words of the seeds for stages, value tiers and cells, in the order of reading."""
    stages = half.ask(
        "select lifecycle_stage, label from decisions.lifecycle_stages order by position"
    )
    tiers = half.ask(
        "select code, tier, words from decisions.micro_segment_tiers "
        "where level = 'value' order by code desc"
    )
    cells = half.ask(
        "select rfm_recency_score, rfm_frequency_score, rfm_segment from decisions.rfm_segments"
    )
    return {
        "stage": dict(stages),
        "tier": {code: tier for code, tier, _ in tiers},
        "value": {tier: words for _, tier, words in tiers},
        "cell": {(recency, frequency): segment for recency, frequency, segment in cells},
    }


def _levels(
    words: Mapping[str, str], today: Mapping[str, int] | None, before: Mapping[str, int] | None
) -> list[Level]:
    if today is None:
        return []
    names = [*words, *sorted({*today, *(before or {})} - set(words))]
    return [
        Level(
            name, words.get(name, name), today.get(name, 0), before.get(name, 0) if before else None
        )
        for name in names
    ]


def _foreseen(found: Sequence[Distribution]) -> list[Level]:
    for each in found:
        if each.attribute == FORESEEN:
            return [
                Level(b.label, b.label, b.today, b.before) for b in (*each.buckets, each.unknown)
            ]
    return []


def _cells(
    segments: Mapping[tuple[int, int], str], today: Standing, before: Standing
) -> list[Cell]:
    now, then = today.cells, before.cells
    if now is None or not segments:
        return []
    return [
        Cell(
            recency,
            frequency,
            segments.get((recency, frequency), ""),
            now.get((recency, frequency), 0),
            then.get((recency, frequency), 0) if then else None,
        )
        for recency in range(5, 0, -1)
        for frequency in range(1, 6)
    ]


def _whole(number: Any) -> int | None:
    return None if number is None else int(number)
