"""A full snapshot becomes what changed since the last; folded together they are the last again."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.contracts.contract import Contract, Expectation
from flows.errors import Overtaken
from flows.intake import corrections
from flows.intake.quarantine import Desk
from tests.intake.desk import DAY, FEW, UNIQUE, contract_of, rows_of
from tests.intake.shop import Shop

NAMES = {"visit_id": "bigint", "who": "varchar", "steps": "integer"}
Row = tuple[str | None, str | None]
ONE_DAY = dt.timedelta(days=1)


def contract(**terms: Any) -> Contract:
    told = {"load": "snapshot", "suite": (UNIQUE, FEW), "max_deleted_share": 1.0} | terms
    return contract_of(NAMES, **told)


def send(shop: Shop, rows: dict[int, Row], day: dt.date) -> Any:
    lines = [f"{key},{who or ''},{steps or ''}" for key, (who, steps) in rows.items()]
    shop.send("\n".join(["visit_id,who,steps", *lines]) + "\n", day)
    return shop.receive(day)


def batch(
    shop: Shop, day: dt.date, version: int = 1
) -> set[tuple[int, str | None, int | None, bool]]:
    found = rows_of(shop.path("batches", version, day))
    return {(row["visit_id"], row["who"], row["steps"], row["is_deleted"]) for row in found}


def folded(shop: Shop, versions: dict[dt.date, int]) -> dict[int, tuple[str | None, int | None]]:
    """Return what the view holds: the latest of each key, without those that are deleted."""
    found: dict[int, tuple[str | None, int | None]] = {}
    for day in sorted(versions):
        rows = batch(shop, day, versions[day])
        assert len({key for key, *_ in rows}) == len(rows), "one row a key"
        for key, who, steps, is_deleted in rows:
            found.pop(key, None)
            if not is_deleted:
                found[key] = (who, steps)
    return found


def test_each_snapshot_is_held_against_the_last(tmp_path: Path) -> None:
    shop = Shop(tmp_path, contract())
    days = [DAY + n * ONE_DAY for n in range(5)]
    first: dict[int, Row] = {1: ("a", "1"), 2: (None, "2"), 3: ("c", None), 4: (None, None)}
    send(shop, first, days[0])
    assert batch(shop, days[0]) == {
        (1, "a", 1, False),
        (2, None, 2, False),
        (3, "c", None, False),
        (4, None, None, False),
    }
    send(shop, dict(reversed(first.items())), days[1])
    assert batch(shop, days[1]) == set(), "unchanged, in whatever order"
    send(shop, first | {2: ("b", "2"), 3: (None, "3")}, days[2])
    assert batch(shop, days[2]) == {(2, "b", 2, False), (3, None, 3, False)}
    assert shop.newest["rows_changed"] == 2
    assert shop.newest["rows_accepted"] == 4
    send(shop, {4: (None, None)}, days[3])
    assert batch(shop, days[3]) == {(key, None, None, True) for key in (1, 2, 3)}
    send(shop, {4: (None, None), 1: ("a", "1")}, days[4])
    assert batch(shop, days[4]) == {(1, "a", 1, False)}, "gone, and there again"


def test_a_snapshot_sent_again_is_held_against_the_day_before(tmp_path: Path) -> None:
    shop = Shop(tmp_path, contract())
    send(shop, {1: ("a", "1"), 2: ("b", "2")}, DAY)
    later = DAY + ONE_DAY
    send(shop, {1: ("x", "1")}, later)
    assert batch(shop, later) == {(1, "x", 1, False), (2, None, None, True)}
    send(shop, {1: ("a", "1"), 2: ("b", "2"), 3: ("c", "3")}, later)
    assert batch(shop, later, 2) == {(3, "c", 3, False)}


def test_more_deletions_than_can_be_believed_are_refused(tmp_path: Path) -> None:
    shop = Shop(tmp_path, contract(max_deleted_share=0.1))
    rows: dict[int, Row] = dict.fromkeys(range(200), ("a", "1"))
    send(shop, rows, DAY)
    left = dict(list(rows.items())[:170])
    refused = send(shop, left, DAY + ONE_DAY)
    assert refused.state == "invalid"
    assert "30 of the 200 rows" in refused.sentence
    assert not shop.path("batches", 1, DAY + ONE_DAY).exists()
    taken = send(shop, dict(list(rows.items())[:180]), DAY + ONE_DAY)
    assert taken.state == "arrived"
    assert len(batch(shop, DAY + ONE_DAY, 2)) == 20


def test_an_older_snapshot_is_not_taken_behind_a_newer_one(tmp_path: Path) -> None:
    shop = Shop(tmp_path, contract())
    send(shop, {1: ("a", "1")}, DAY)
    send(shop, {1: ("c", "3")}, DAY + 2 * ONE_DAY)
    late = send(shop, {1: ("b", "2")}, DAY + ONE_DAY)
    assert late.state == "invalid"
    assert f"the snapshot of {DAY + 2 * ONE_DAY} is taken already" in late.sentence
    again = send(shop, {1: ("a", "5")}, DAY)
    assert again.state == "invalid"
    assert send(shop, {1: ("a", "1")}, DAY).taken_before


def test_a_row_that_is_set_aside_is_not_taken_for_deleted(tmp_path: Path) -> None:
    shop = Shop(tmp_path, contract(max_quarantined_share=0.5))
    good: dict[int, Row] = dict.fromkeys(range(1, 6), ("a", "1"))
    send(shop, good, DAY)
    send(shop, good | {2: ("a", "many"), 3: ("a", "500"), 7: ("new", "x")}, DAY + ONE_DAY)
    assert shop.newest["rows_quarantined"] == 3
    assert batch(shop, DAY + ONE_DAY) == set()
    send(shop, good | {2: ("a", "2"), 7: ("new", "7")}, DAY + 2 * ONE_DAY)
    assert batch(shop, DAY + 2 * ONE_DAY) == {(2, "a", 2, False), (7, "new", 7, False)}


def test_a_released_row_of_a_snapshot_is_known_to_the_next(tmp_path: Path) -> None:
    shop = Shop(tmp_path, contract(max_quarantined_share=0.5))
    rows: dict[int, Row] = dict.fromkeys(range(1, 6), ("a", "1"))
    send(shop, rows, DAY)
    day = DAY + ONE_DAY
    send(shop, rows | {3: ("a", "500"), 4: ("b", "1"), 6: ("f", "600"), 8: ("h", "x")}, day)
    desk = Desk(shop.instance, shop.ledger, shop.contract, day)
    reason = f"{FEW.type} on steps"
    assert corrections.release(desk, reason, "Ada", "why") == 2
    assert batch(shop, day, 2) == {
        (3, "a", 500, False),
        (4, "b", 1, False),
        (6, "f", 600, False),
    }
    send(shop, rows | {3: ("a", "5"), 4: ("b", "1")}, day + ONE_DAY)
    assert batch(shop, day + ONE_DAY) == {(3, "a", 5, False), (6, None, None, True)}
    with pytest.raises(Overtaken):
        corrections.release(desk, None, "Ada", "why")


def test_a_snapshot_may_have_keys_of_several_columns_and_nulls_in_them(tmp_path: Path) -> None:
    unique = Expectation(
        type="expect_compound_columns_to_be_unique",
        kwargs={"column_list": ["visit_id", "who"]},
        severity="critical",
    )
    shop = Shop(tmp_path, contract(grain="visit_id, who", suite=(unique,)))
    shop.send("visit_id,who,steps\n1,a,1\n1,b,2\n1,,3\n", DAY)
    assert shop.receive(DAY).state == "arrived"
    shop.send("visit_id,who,steps\n1,a,1\n1,,4\n", DAY + ONE_DAY)
    assert shop.receive(DAY + ONE_DAY).state == "arrived"
    assert batch(shop, DAY + ONE_DAY) == {(1, None, 4, False), (1, "b", None, True)}


TEXTS = st.none() | st.sampled_from(["a", "b", "ab", "NULL", "0", "a b"])
STEPS = st.none() | st.sampled_from(["0", "1", "-1", "2", "x"])
SNAPSHOTS = st.lists(
    st.dictionaries(st.integers(1, 6), st.tuples(TEXTS, STEPS), min_size=1), min_size=1, max_size=5
)


@settings(max_examples=15, deadline=None)
@given(SNAPSHOTS)
def test_the_batches_folded_together_are_the_last_snapshot(snapshots: list[dict[int, Row]]) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        # Without checks: what is asked of Great Expectations is asked above.
        shop = Shop(folder, contract(max_quarantined_share=1.0))
        wanted: dict[int, tuple[str | None, int | None]] = {}
        taken: dict[dt.date, int] = {}
        for number, rows in enumerate(snapshots):
            day = DAY + number * ONE_DAY
            if send(shop, rows, day).state != "arrived":
                continue
            taken[day] = 1
            before, wanted = wanted, {}
            for key, (who, steps) in rows.items():
                if steps != "x":
                    wanted[key] = (who, int(steps) if steps else None)
                elif key in before:
                    wanted[key] = before[key]
        assert folded(shop, taken) == wanted
    finally:
        shutil.rmtree(folder)
