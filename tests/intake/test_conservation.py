"""Whatever is wrong with a delivery, each of its rows is taken or set aside, exactly once."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.ledger import deliveries
from tests.conftest import PROJECT
from tests.intake.desk import contract_of, landed, sort
from tests.intake.shop import Shop

NAMES = {"visit_id": "varchar", "steps": "integer", "on_day": "date", "who": "varchar"}
CONTRACT = contract_of(NAMES)
GOOD = {
    "steps": ["1", "-5", "", " 7 "],
    "on_day": ["2017-11-22", ""],
    "who": ["a", "a, b", 'q"q', ""],
}
SPOILT = {
    "steps": ["x", "1.5", "9999999999"],
    "on_day": ["22/11/2017", "2017-02-30"],
    "who": ["=1+1", "@x"],
}

Row = dict[str, str]


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    """Rows with a number of their own each, some spoilt in some columns."""
    made = []
    for number in range(draw(st.integers(1, 25))):
        row = {"visit_id": f"n{number}"}
        for name, good in GOOD.items():
            spoilt = draw(st.integers(0, 5)) == 0
            row[name] = draw(st.sampled_from(SPOILT[name] if spoilt else good))
        made.append(row)
    return made


def is_good(row: Row) -> bool:
    return not any(row[name] in spoilt for name, spoilt in SPOILT.items())


def torn(number: int, form: str) -> str:
    """A line that nobody can read, which names itself."""
    return {"csv": f"torn{number},1", "jsonl": f'{{"visit_id": "torn{number}", "st'}[form]


def write(path: Path, made: Sequence[Row], form: str, tears: Sequence[str]) -> None:
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(list(made), _SCHEMA), path)
        return
    lines = []
    for row in made:
        text = io.StringIO()
        csv.writer(text, lineterminator="").writerow(row.values())
        lines.append(text.getvalue() if form == "csv" else json.dumps(row))
    for place, tear in enumerate(tears):
        lines.insert((place * 7) % (len(lines) + 1), tear)
    head = [",".join(NAMES)] if form == "csv" else []
    path.write_text("\n".join([*head, *lines]) + "\n")


_SCHEMA = pa.schema([(name, pa.string()) for name in NAMES])


@settings(max_examples=40, deadline=None)
@given(
    made=rows(),
    form=st.sampled_from(["csv", "jsonl", "parquet"]),
    parts=st.integers(1, 3),
    tears=st.integers(0, 4),
)
def test_every_row_is_taken_or_set_aside_with_a_reason_exactly_once(
    made: list[Row], form: str, parts: int, tears: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files, torn_lines = [], []
        for part in range(parts):
            files.append(folder / f"part-{part}.{form}")
            mine = [torn(10 * part + n, form) for n in range(tears)] if form != "parquet" else []
            torn_lines += mine
            write(files[-1], made[part::parts], form, mine)
        found = sort(CONTRACT, landed(*files, format=form), folder)
    assert found.delivered == len(made) + len(torn_lines)
    accepted = Counter(row["visit_id"] for row in found.accepted)
    assert accepted == Counter(row["visit_id"] for row in made if is_good(row))
    aside = [text for text, reason in found.aside if reason]
    assert Counter(_named(text) for text in aside) == Counter(
        [row["visit_id"] for row in made if not is_good(row)] + torn_lines
    )
    told = {_named(text): json.loads(text) for text in aside if text not in torn_lines}
    for row in made:
        if not is_good(row):
            kept = {key: value or "" for key, value in told[row["visit_id"]].items()}
            assert kept == row, "with the text that came"


def _named(text: str) -> str:
    try:
        return str(json.loads(text)["visit_id"])
    except ValueError:
        return text


LARGE = "visit_id,steps,on_day,who\n" + "".join(
    f"n{n},{n if n % 50 else 'x'},2017-11-22,{os.urandom(12).hex()}\n" for n in range(30_000)
)
RECEIVE = """
import os, resource, signal, sys
from pathlib import Path
from tests.intake.shop import Shop
from tests.intake.test_conservation import STRICT
import flows.contracts.checks  # as large as it is, imported before files may not grow

shop = Shop(Path(sys.argv[1]), STRICT)
{break_off}
print(shop.receive().state)
"""
STRICT = contract_of(NAMES, max_quarantined_share=0.1)


def break_off(folder: Path, how: str) -> subprocess.CompletedProcess[str]:
    program = RECEIVE.format(break_off=how)
    return subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )


def all_is_well(shop: Shop) -> None:
    received = shop.receive()
    assert received.state == "arrived"
    assert received.counts is not None
    counts = received.counts
    assert (counts.delivered, counts.accepted, counts.quarantined) == (30_000, 29_400, 600)
    assert shop.newest["version"] == 1
    assert not list((shop.instance.root / "spill").iterdir())


@pytest.mark.parametrize("kilobytes", [200, 1200])
def test_a_full_disk_is_said_and_leaves_nothing_half_taken(kilobytes: int, tmp_path: Path) -> None:
    shop = Shop(tmp_path, STRICT)
    shop.send(LARGE)
    limit = f"resource.setrlimit(resource.RLIMIT_FSIZE, ({kilobytes} * 1024, -1))"
    done = break_off(tmp_path, limit)
    assert done.returncode != 0, done.stdout
    assert "NoSpace: The disk of" in done.stderr
    assert shop.ledger.rows(sa.select(deliveries)) == []
    assert not shop.path("batches", 1).exists()
    all_is_well(shop)


KILLED = "os.kill(os.getpid(), signal.SIGKILL)"
STEPS = {
    "before the batch is written": ("flows.intake.sorting", "Sorting.write_batch"),
    "before it stands in the ledger": ("flows.intake.history", "record"),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_process_leaves_nothing_half_taken(step: str, tmp_path: Path) -> None:
    module, name = STEPS[step]
    shop = Shop(tmp_path, STRICT)
    shop.send(LARGE)
    done = break_off(tmp_path, f"import {module}\n{module}.{name} = lambda *_, **__: {KILLED}")
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert shop.ledger.rows(sa.select(deliveries)) == [], "the ledger knows nothing of it"
    assert shop.path("batches", 1).exists() == (name == "record")
    all_is_well(shop)


def test_an_error_between_two_steps_leaves_nothing_half_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(tmp_path, STRICT)
    shop.send(LARGE)

    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("a fault of ours")

    for target in (
        "flows.intake.sorting.Sorting.count",
        "flows.intake.batches._finish",
        "flows.intake.history.record",
    ):
        with monkeypatch.context() as patch:
            patch.setattr(target, fails)
            with pytest.raises(RuntimeError):
                shop.receive()
        assert shop.ledger.rows(sa.select(deliveries)) == []
    all_is_well(shop)
