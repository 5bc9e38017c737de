"""Whatever comes and in whichever order, a night on a base is what all its batches say.

Hypothesis draws what happens to a client of few customers in a few nights: batches that come in
part, empty, late or not at all, corrections of any past day, merges and partings, products that
are grouped otherwise, days left out or built again, new code, an older base. After each night
what is kept from build to build must equal what the same batches give when nothing is taken over;
after the last night everything must. What differs is told by model, attribute and customer.

A handful of histories, the same each time, is what CI plays. With `SCV_HISTORIES=100` it is so
many, others each time, and of those that fail a small one is looked for, for five minutes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

from flows.builds import recount
from tests.builds.histories import Night, histories
from tests.builds.playing import Miniature
from tests.conftest import World

MORE = int(os.environ.get("SCV_HISTORIES", "0"))
FEW = 6


@pytest.fixture(scope="module")
def miniature(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Miniature]:
    """The small client with the build of its first date."""
    with pytest.MonkeyPatch.context() as patched:
        yield Miniature.make(world.warehouse / "demo", tmp_path_factory.mktemp("small"), patched)


def relations(build: Path, views: bool) -> list[str]:
    """The tables of the rooms made of the batches, by schema and name, or views too."""
    query = (
        "select table_schema || '.' || table_name from information_schema.tables "
        "where table_schema in ('intermediate', 'marts') and (? or table_type = 'BASE TABLE') "
        "order by all"
    )
    with duckdb.connect(str(build), read_only=True) as connection:
        return [str(row[0]) for row in connection.execute(query, [views]).fetchall()]


@settings(
    max_examples=MORE or FEW,
    derandomize=not MORE,
    deadline=None,
    print_blob=True,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
    # Looking for the smallest history that fails is for whoever waits for it.
    phases=(*(Phase.explicit, Phase.generate), *((Phase.shrink,) if MORE else ())),
)
# Whose last order is older than a year, and of products that are grouped otherwise.
@example(history=[Night(products="of another category")])
@given(history=histories)
def test_incremental_equals_full(miniature: Miniature, history: list[Night]) -> None:
    play = miniature.play()
    for number, night in enumerate(history, start=1):
        is_last = number == len(history)
        made, whole = play.night(night, is_last)
        # A view is made of tables: it can wait.
        compared = relations(whole, views=is_last)
        found = recount.compare(made, whole, compared, everybody=True)
        assert not found, f"night {number}: " + "; ".join(each.sentence for each in found[:5])
