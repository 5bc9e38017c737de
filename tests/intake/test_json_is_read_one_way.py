"""Objects that are all alike are read in another way than odd ones: the values must be the same."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.contracts.files import read_contracts
from flows.errors import FileBroken
from flows.intake.landing import Landed
from flows.intake.reading import documents
from flows.intake.reading.delivery import UNREADABLE
from flows.intake.sources.declared import Form

VALUES = [
    "1", "1.50", "1e3", "-0.0", "12345678901234567890", "0.10000000000000000001", "true", "null",
    '"x"', '""', '" a "', '"\\u00e9\\n\\"q\\""', '{"b": 1.50, "c" : [1, 2]}', "[]", "{}",
    '"\\ud83d\\ude00"', "4.35", "NaN", '"2017-11-22"', "100000000000000000000.5",
]  # fmt: skip
CONTRACT = read_contracts()["consents"].model_copy(
    update={"columns": read_contracts()["products"].columns[:2]}
)
FIRST, SECOND = CONTRACT.names


def read(folder: Path, text: str, kind: str, connection: duckdb.DuckDBPyConnection) -> list[Any]:
    part = folder / "rows"
    part.write_text(text)
    landed = Landed((part,), "", Form.model_validate({"format": kind}), {}, dt.datetime(2017, 1, 1))
    connection.execute(UNREADABLE)
    if kind == "jsonl":
        delivery = documents.read_lines(connection, CONTRACT, landed)
    else:
        delivery = documents.read_arrays(connection, CONTRACT, landed, folder)
    names = f"{FIRST}, {SECOND}"
    return connection.execute(f"select {names} from {delivery.relation} order by all").fetchall()


@pytest.mark.parametrize("kind", ["jsonl", "json"])
@pytest.mark.parametrize("value", VALUES)
def test_a_value_is_the_same_beside_odd_objects_and_beside_none(
    tmp_path: Path, kind: str, value: str
) -> None:
    alike = [f'{{"{FIRST}": {value}, "{SECOND}": "a"}}', f'{{"{FIRST}": 7, "{SECOND}": "b"}}']
    odd = f'{{"{SECOND}": "z", "{FIRST}": 7}}'
    found = []
    for objects in (alike, [*alike, odd]):
        text = "\n".join(objects) if kind == "jsonl" else f"[{', '.join(objects)}]"
        with duckdb.connect() as connection:
            found.append(read(tmp_path, text, kind, connection))
    assert found[0] == [row for row in found[1] if row[1] != "z"]
    assert len(found[0]) == 2


@pytest.mark.parametrize("end", [",", ", ", ",\n", ""])
def test_an_array_that_was_cut_off_between_two_objects_is_refused(tmp_path: Path, end: str) -> None:
    whole = ", ".join(f'{{"{FIRST}": {n}, "{SECOND}": "a"}}' for n in range(3))
    with duckdb.connect() as connection, pytest.raises((FileBroken, duckdb.Error)):
        read(tmp_path, f"[{whole}{end}", "json", connection)
