"""Whatever happens to the sections, a comparison says of the view what a join of the views says."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.release.pair import SHARES, Pair, Size, make_before
from flows.comparison.compare import compare
from flows.comparison.result import VIEW, Comparison
from flows.comparison.sides import Limits

SIZE = Size(40, 60)
PLACES = [
    (name, column)
    for name, columns in SIZE.sections.items()
    for column in columns
    if "_0" in column
]
UPDATES = st.tuples(
    st.just("update"),
    st.sampled_from(PLACES),
    st.integers(2, 9),
    st.sampled_from(["null", "other"]),
)
DELETES = st.tuples(
    st.just("delete"), st.sampled_from([*SHARES, "*"]), st.integers(0, 40), st.just("")
)
CHANGES = st.lists(st.one_of(UPDATES, UPDATES, DELETES), max_size=4)
Change = tuple[str, tuple[str, str] | str, int, str]


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """A build of forty customers."""
    with tempfile.TemporaryDirectory() as folder:
        made = Pair(Path(folder))
        make_before(made, SIZE)
        yield made


def statements(change: Change) -> list[str]:
    """What a drawn change is in SQL."""
    kind, place, number, to = change
    if kind == "delete":
        sections = list(SHARES) if place == "*" else [str(place)]
        return [f"delete from marts.customer_{s} where customer_id = {number}" for s in sections]
    section, column = place
    # The first cell of every section is a number, that of reachability a yes or no.
    value = "null" if to == "null" else f"{column} + 1"
    return [
        f"update marts.customer_{section} set {column} = {value} where customer_id % {number} = 1"
    ]


def by_hand(pair: Pair) -> tuple[int, int, dict[str, int]]:
    """Customers before only, after only, and the changed ones by attribute, from a full join."""
    with duckdb.connect() as connection:
        for name, path in (("b", pair.before), ("a", pair.after)):
            connection.execute(f"attach '{path}' as {name} (read_only)")
        names = [row[0] for row in connection.execute(f"describe a.{VIEW}").fetchall()][1:]
        both = "b.customer_id is not null and a.customer_id is not null"
        counts = [
            f"count(*) filter (where {both} and b.{name} is distinct from a.{name})"
            for name in names
        ]
        gone, new, *changed = connection.execute(
            "select count(*) filter (where a.customer_id is null), "
            f"count(*) filter (where b.customer_id is null), {', '.join(counts)} "
            f"from b.{VIEW} as b full join a.{VIEW} as a on b.customer_id = a.customer_id"
        ).fetchall()[0]
    return gone, new, {n: count for n, count in zip(names, changed, strict=True) if count}


def compared(pair: Pair) -> Comparison:
    """The two builds of a pair, compared."""
    manifests = pair.manifest(pair.before), pair.manifest(pair.after)
    return compare(pair.before, pair.after, *manifests, limits=Limits("500MB", 1))


@settings(max_examples=15, deadline=None)
@given(changes=CHANGES, swapped=st.booleans())
def test_a_comparison_agrees_with_a_join_by_hand(
    pair: Pair, changes: list[Change], swapped: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        drawn = Pair(Path(folder))
        changed, kept = (drawn.before, drawn.after) if swapped else (drawn.after, drawn.before)
        for build in (changed, kept):
            shutil.copyfile(pair.before, build)
            shutil.copyfile(pair.manifest(pair.before), pair.manifest(build))
        with duckdb.connect(str(changed)) as connection:
            for change in changes:
                for statement in statements(change):
                    connection.execute(statement)
        found = compared(drawn)
        told = {each.name: each.changed for each in found.view.attributes}
        assert (found.view.only_before, found.view.only_after, told) == by_hand(drawn)
