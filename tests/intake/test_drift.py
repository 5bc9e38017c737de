"""Columns that are others than agreed are found, named, and treated as their contract says."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
import xlsxwriter

from flows.contracts.contract import Contract
from flows.errors import ColumnsDiffer
from flows.intake import columns
from flows.ledger import drifts
from tests.intake.desk import DAY, contract_of, landed, sort, values
from tests.intake.shop import Shop

NAMES = {"visit_id": "bigint", "who": "varchar", "steps": "integer"}
LENIENT = {"on_new_column": "hold", "on_missing_column": "null"}
STRICT = {"on_reordered_columns": "fail", "on_retyped_column": "fail"}
FORMATS = ["csv", "jsonl", "json", "parquet", "excel"]


def told(contract: Contract, delivered: Sequence[str], **types: str) -> list[tuple[str, str, bool]]:
    found = columns.compare(contract, delivered, types or None)
    return [(drift.kind, drift.column, drift.refused) for drift in found]


CASES: dict[str, tuple[list[str], list[tuple[str, str]]]] = {
    "as agreed": (["visit_id", "who", "steps"], []),
    "new": (["visit_id", "who", "steps", "shop"], [("new", "shop")]),
    "missing": (["visit_id", "steps"], [("missing", "who")]),
    "renamed": (["visit_id", "who", "step_count"], [("renamed", "steps")]),
    "renamed, all else new": (
        ["visit_id", "whom", "steps", "shop"],
        [("renamed", "who"), ("new", "shop")],
    ),
    "repeated": (["visit_id", "who", "who", "steps"], [("repeated", "who")]),
    "repeated in capitals": (
        ["visit_id", "who", "WHO", "steps"],
        [("new", "WHO"), ("repeated", "who")],
    ),
    "reordered": (["who", "visit_id", "steps"], [("reordered", "who")]),
    "a new one between": (["visit_id", "id", "who", "steps"], [("new", "id")]),
    "without a name": (["visit_id", "who", "steps", ""], [("new", "")]),
    "two gone, one near both": (
        ["who", "visit_ids"],
        [("renamed", "visit_id"), ("missing", "steps")],
    ),
    "another word and a part of it": (
        ["visit_idx", "id", "who", "steps"],
        [("renamed", "visit_id"), ("new", "id")],
    ),
    "several at once": (
        ["steps", "visit_id", "colour", "shape"],
        [("missing", "who"), ("new", "colour"), ("new", "shape"), ("reordered", "steps")],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_drift_is_found_and_named(case: str) -> None:
    delivered, wanted = CASES[case]
    found = told(contract_of(NAMES), delivered)
    assert [(kind, column) for kind, column, _ in found] == wanted


RULES: list[tuple[dict[str, Any], list[str], dict[str, str], tuple[str, str, bool]]] = [
    ({"on_new_column": "fail"}, [*NAMES, "shop"], {}, ("new", "shop", True)),
    ({"on_new_column": "hold"}, [*NAMES, "shop"], {}, ("new", "shop", False)),
    ({"on_missing_column": "fail"}, ["visit_id", "who"], {}, ("missing", "steps", True)),
    ({"on_missing_column": "null"}, ["visit_id", "who"], {}, ("missing", "steps", False)),
    (LENIENT, ["visit_id", "who", "step"], {}, ("renamed", "steps", False)),
    (
        {"on_new_column": "hold"},
        ["visit_id", "who", "step"],
        {},
        ("renamed", "steps", True),
    ),
    (
        {"on_missing_column": "null"},
        ["visit_id", "who", "step"],
        {},
        ("renamed", "steps", True),
    ),
    (
        {"on_reordered_columns": "note"},
        ["who", "visit_id", "steps"],
        {},
        ("reordered", "who", False),
    ),
    (
        {"on_reordered_columns": "fail"},
        ["who", "visit_id", "steps"],
        {},
        ("reordered", "who", True),
    ),
    ({"on_retyped_column": "cast"}, [*NAMES], {"steps": "VARCHAR"}, ("retyped", "steps", False)),
    ({"on_retyped_column": "fail"}, [*NAMES], {"steps": "VARCHAR"}, ("retyped", "steps", True)),
    (LENIENT, [*NAMES, "steps"], {}, ("repeated", "steps", True)),
]


@pytest.mark.parametrize(("rule", "delivered", "types", "wanted"), RULES)
def test_what_is_done_about_a_drift_is_the_contract_s_own_rule(
    rule: dict[str, Any],
    delivered: list[str],
    types: dict[str, str],
    wanted: tuple[str, str, bool],
) -> None:
    assert told(contract_of(NAMES, **rule), delivered, **types) == [wanted]


@pytest.mark.parametrize(
    ("agreed", "delivered", "is_drift"),
    [
        ("bigint", "SMALLINT", False),
        ("bigint", "UBIGINT", False),
        ("bigint", "HUGEINT", False),
        ("integer", "BIGINT", False),
        ("bigint", "DOUBLE", True),
        ("bigint", "INTERVAL", True),
        ("bigint", "INTEGER[]", True),
        ("bigint", "STRUCT(a INTEGER)", True),
        ("varchar", "BIGINT", True),
        ("varchar", "VARCHAR[]", True),
        ("decimal(18,4)", "DECIMAL(9,2)", False),
        ("decimal(18,4)", "DOUBLE", True),
        ("date", "TIMESTAMP", True),
        ("timestamp", "DATE", False),
        ("timestamp", "TIMESTAMP WITH TIME ZONE", False),
        ("timestamp", "TIMESTAMP_NS", False),
        ("timestamp", "BIGINT", True),
        ("boolean", "INTEGER", True),
    ],
)
def test_a_type_of_another_family_is_a_drift(agreed: str, delivered: str, is_drift: bool) -> None:
    found = told(contract_of({"visit_id": agreed}), ["visit_id"], visit_id=delivered)
    assert found == ([("retyped", "visit_id", False)] if is_drift else [])


def deliver(folder: Path, form: str, names: Sequence[str], row: Sequence[Any]) -> Path:
    """Write one row under these names, as a client's export of that format would."""
    path = folder / f"visits.{form}"
    match form:
        case "csv":
            path.write_text(f"{','.join(names)}\n{','.join(str(value) for value in row)}\n")
        case "parquet":
            arrays = [pa.array([value]) for value in row]
            pq.write_table(pa.Table.from_arrays(arrays, list(names)), path)
        case "excel":
            with xlsxwriter.Workbook(path) as book:
                sheet = book.add_worksheet()
                sheet.write_row(0, 0, names)
                sheet.write_row(1, 0, row)
        case _:
            pairs = zip(names, row, strict=True)
            one = "{" + ", ".join(f"{json.dumps(n)}: {json.dumps(v)}" for n, v in pairs) + "}"
            path.write_text(one if form == "jsonl" else f"[{one}]")
    return path


@pytest.mark.parametrize("form", FORMATS)
def test_drifts_that_the_contract_lets_pass_are_read_by_name(form: str, tmp_path: Path) -> None:
    path = deliver(tmp_path, form, ["shop", "who", "visit_id"], ["north", "a", 1])
    found = sort(contract_of(NAMES, **LENIENT), landed(path, format=form), tmp_path)
    assert found.accepted == [{"visit_id": 1, "who": "a", "steps": None}]
    # The keys of an object have no order.
    order = set() if form.startswith("json") else {("reordered", "who", False)}
    assert found.kinds == {("renamed", "steps", False)} | order


@pytest.mark.parametrize("form", FORMATS)
def test_two_new_columns_and_a_missing_one_are_all_named(form: str, tmp_path: Path) -> None:
    path = deliver(tmp_path, form, ["visit_id", "who", "x", "y"], [1, "a", 2, 3])
    with pytest.raises(ColumnsDiffer) as refused:
        sort(contract_of(NAMES), landed(path, format=form), tmp_path)
    sentence = str(refused.value)
    for words in (
        path.name,
        "lacks steps",
        "has the new x",
        "has the new y",
        "shop@client.example",
    ):
        assert words in sentence
    assert "a, " not in sentence


@pytest.mark.parametrize("form", ["csv", "parquet", "excel"])
def test_a_repeated_column_is_refused_by_name(form: str, tmp_path: Path) -> None:
    path = deliver(tmp_path, form, ["visit_id", "who", "steps", "who"], [1, "a", 2, "b"])
    with pytest.raises(ColumnsDiffer, match="repeats who"):
        sort(contract_of(NAMES, **LENIENT), landed(path, format=form), tmp_path)


@pytest.mark.parametrize("form", ["jsonl", "json"])
def test_an_object_that_repeats_a_key_is_set_aside(form: str, tmp_path: Path) -> None:
    path = deliver(tmp_path, form, ["visit_id", "who", "steps", "who"], [1, "a", 2, "b"])
    found = sort(contract_of(NAMES, **LENIENT), landed(path, format=form), tmp_path)
    assert found.reasons == ["the object has a key twice"]


@pytest.mark.parametrize("form", ["csv", "parquet", "excel"])
def test_another_order_is_refused_where_the_contract_says_so(form: str, tmp_path: Path) -> None:
    path = deliver(tmp_path, form, ["who", "visit_id", "steps"], ["a", 1, 2])
    with pytest.raises(ColumnsDiffer, match="another order, from who on"):
        sort(contract_of(NAMES, **STRICT), landed(path, format=form), tmp_path)


def test_another_type_is_refused_or_cast_where_the_format_has_types(tmp_path: Path) -> None:
    path = deliver(tmp_path, "parquet", [*NAMES], [1, "a", "many"])
    with pytest.raises(ColumnsDiffer, match="has steps as varchar, not as integer"):
        sort(contract_of(NAMES, **STRICT), landed(path, format="parquet"), tmp_path)
    found = sort(contract_of(NAMES), landed(path, format="parquet"), tmp_path)
    assert found.kinds == {("retyped", "steps", False)}
    assert found.reasons == ["steps is not a integer"]


def test_a_column_without_a_name_is_told_in_words(tmp_path: Path) -> None:
    path = deliver(tmp_path, "csv", [*NAMES, ""], [1, "a", 2, ""])
    with pytest.raises(ColumnsDiffer, match="has the new column without a name"):
        sort(contract_of(NAMES), landed(path, format="csv"), tmp_path)
    held = sort(contract_of(NAMES, **LENIENT), landed(path, format="csv"), tmp_path)
    assert values(held.accepted, "steps") == [2]


def test_what_drifted_stands_in_the_ledger_and_in_the_sentence(tmp_path: Path) -> None:
    shop = Shop(tmp_path, contract_of(NAMES, **LENIENT))
    shop.send("who,visit_id,shop,colour\na,1,north,red\n")
    received = shop.receive()
    assert received.state == "arrived"
    rows = shop.ledger.rows(sa.select(drifts))
    found = {(row["kind"], row["column_name"], row["refused"]) for row in rows}
    assert found == {
        ("missing", "steps", False),
        ("new", "shop", False),
        ("new", "colour", False),
        ("reordered", "who", False),
    }
    assert all(row["sentence"] in received.sentence for row in rows)


def test_a_refused_drift_is_told_with_its_date_and_what_to_do(tmp_path: Path) -> None:
    shop = Shop(tmp_path, contract_of(NAMES))
    shop.send("visit_id,who\n1,a\n")
    received = shop.receive()
    assert received.state == "invalid"
    for words in ("visits for 2017-11-22", "lacks steps", f"Then run: scv run {DAY}"):
        assert words in received.sentence
    shop.send("visit_id,who,steps\n1,a,2\n", DAY + dt.timedelta(days=1))
    assert shop.receive(DAY + dt.timedelta(days=1)).state == "arrived"
