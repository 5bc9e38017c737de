"""A client's Snowflake, through the real connector, against fakesnow's server."""

from __future__ import annotations

import datetime as dt
import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakesnow import server as fakesnow_server  # once called, the name is a module
from snowflake import connector

from flows.errors import ContractWrong, SettingsWrong, SourceUnreachable, Stopped, TableMissing
from flows.intake.sources import databases, snowflake
from flows.intake.sources.declared import QueryTable, Snowflake
from tests.sources.servers import left_in, request, texts


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A server of fakesnow, with what the client has in it."""
    logging.disable(logging.INFO)
    with fakesnow_server() as arguments:
        with connector.connect(**arguments, database="CRM", schema="SALES") as connection:
            _fill(connection.cursor())
        yield f"http://{arguments['host']}:{arguments['port']}"
    logging.disable(logging.NOTSET)


def _fill(cursor: Any) -> None:
    cursor.execute(
        "create table ORDERS (id number(38,0), amount number(38,3), ratio float, is_paid boolean, "
        "name varchar, sold_on date, sold_at timestamp_ntz, changed_at timestamp_tz, "
        'opens time, basket variant, "Mixed" varchar)'
    )
    times = ["2017-11-19 23:59:59.999999", "2017-11-20 00:00:00", "2017-11-21 23:59:59.999999"]
    for number, at in enumerate([*times, "2017-11-22 00:00:00"]):
        cursor.execute(
            f"insert into ORDERS select {number}, 12345678901234567890.125, 0.1, true, "
            f"'é😀', '{at[:10]}', '{at}', '{at}+00:00', '10:00:00', parse_json('[1]'), null"
        )
    cursor.execute("create table EMPTY (id number(38,0), sold_at timestamp_ntz)")


def declared(endpoint: str, **table: Any) -> Snowflake:
    """The client's Snowflake, with one table."""
    asked = table if "query" in table else {"relation": "sales.orders"} | table
    return Snowflake(
        kind="snowflake",
        description="The CRM.",
        account="fakesnow",
        user="scv",
        password="${CRM_PASSWORD}",
        role="READER",
        warehouse="NIGHT",
        database="CRM",
        endpoint=endpoint,
        timeout_seconds=5,
        tables={"orders": QueryTable(**asked)},
    )


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment of the instance holds."""
    monkeypatch.setenv("CRM_PASSWORD", "snow")


def test_types_of_snowflake_keep_their_values(endpoint: str, tmp_path: Path) -> None:
    (part,) = databases.fetch(declared(endpoint), request(tmp_path)).parts
    rows = texts(part)
    assert len(rows) == 4
    assert rows[2] == {
        "id": "2",
        "amount": "12345678901234567890.125",
        "ratio": "0.1",
        "is_paid": "true",
        "name": "é😀",
        "sold_on": "2017-11-21",
        "sold_at": "2017-11-21 23:59:59.999999",
        "changed_at": "2017-11-21 23:59:59.999999+00",
        "opens": "10:00:00",
        "basket": "[1]",
        "Mixed": None,
    }


@pytest.mark.parametrize("column", ["sold_on", "sold_at", "changed_at"])
def test_changes_are_those_from_midnight_to_midnight(
    endpoint: str, tmp_path: Path, column: str
) -> None:
    asked = request(tmp_path, earliest=dt.date(2017, 11, 20))
    (part,) = databases.fetch(declared(endpoint, changed_since=column), asked).parts
    assert [row["id"] for row in texts(part)] == ["1", "2"]


def test_no_rows_keep_their_columns_and_a_query_is_read(endpoint: str, tmp_path: Path) -> None:
    (part,) = databases.fetch(declared(endpoint, relation="SALES.EMPTY"), request(tmp_path)).parts
    assert pq.read_schema(part).names == ["id", "sold_at"]
    assert texts(part) == []
    query = "select max(id) as highest from sales.orders"
    (part,) = databases.fetch(declared(endpoint, query=query), request(tmp_path)).parts
    assert texts(part) == [{"highest": "3"}]


def test_a_sample_is_of_so_many_rows(endpoint: str, tmp_path: Path) -> None:
    (part,) = databases.fetch(declared(endpoint), request(tmp_path, limit=2)).parts
    assert len(texts(part)) == 2


def test_what_is_not_there_is_missing_and_named_as_text(endpoint: str, tmp_path: Path) -> None:
    for relation in ("sales.nowhere", 'sales.x"; drop table sales.orders; --'):
        with pytest.raises(TableMissing, match="has no such database, schema or table"):
            databases.fetch(declared(endpoint, relation=relation), request(tmp_path))
    with pytest.raises(Stopped, match="lacks the column UPDATED_AT"):
        databases.fetch(declared(endpoint, changed_since="updated_at"), request(tmp_path))
    with pytest.raises(ContractWrong, match="ID holds neither"):
        databases.fetch(declared(endpoint, changed_since="id"), request(tmp_path))
    assert left_in(tmp_path) == []
    assert databases.fetch(declared(endpoint), request(tmp_path)).parts


def test_a_server_that_is_gone_may_come_back(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    gone = declared(f"http://127.0.0.1:{port}").model_copy(update={"timeout_seconds": 1})
    with pytest.raises(SourceUnreachable) as refused:
        databases.fetch(gone, request(tmp_path))
    assert "snow" not in str(refused.value).replace("fakesnow", "")
    assert left_in(tmp_path) == []


def test_batches_of_other_types_become_one_column() -> None:
    # Each batch of the real Snowflake has the smallest types that hold its rows; fakesnow's do not.
    schema = pa.schema(
        [
            ("n", pa.decimal128(38, 0)),
            ("at", pa.string()),
            ("seen_at", pa.string()),
            ("code", pa.string()),
        ]
    )
    zoned = dt.datetime(2017, 11, 21, 10, 0, 0, 500000, tzinfo=dt.UTC)
    far = dt.datetime(9999, 12, 31)
    batches = [
        pa.table(
            {
                "n": pa.array([1], pa.int8()),
                "at": pa.array([1], pa.timestamp("ns")),
                "seen_at": pa.array([zoned], pa.timestamp("ns", "Europe/London")),
                "code": pa.array([b"\x00\xff"]),
            }
        ),
        pa.table(
            {
                "n": pa.array([2**62], pa.int64()),
                "at": pa.array([far], pa.timestamp("us")),
                "seen_at": pa.array([None], pa.timestamp("us", "UTC")),
                "code": pa.array([None], pa.binary()),
            }
        ),
    ]

    class Cursor:
        def fetch_arrow_batches(self) -> Iterator[pa.Table]:
            return iter(batches)

    rows = pa.Table.from_batches(snowflake._batches(Cursor(), schema)).to_pylist()
    assert [str(row["n"]) for row in rows] == ["1", str(2**62)]
    assert [row["at"] for row in rows] == ["1970-01-01 00:00:00.000000001", "9999-12-31 00:00:00"]
    assert [row["seen_at"] for row in rows] == ["2017-11-21 10:00:00.5+00", None]
    assert [row["code"] for row in rows] == ["\\x00ff", None]


def test_a_way_in_is_a_password_or_a_key(endpoint: str, tmp_path: Path) -> None:
    said = declared(endpoint).model_dump()
    with pytest.raises(ValueError, match="name a password or a private_key"):
        Snowflake(**said | {"password": None})
    with pytest.raises(ValueError, match="never written down"):
        Snowflake(**said | {"password": "snow"})
    with pytest.raises(ValueError, match="would write"):
        Snowflake(**said | {"tables": {"orders": {"query": "select 1 into x"}}})
    keyed = Snowflake(**said | {"password": None, "private_key": str(tmp_path / "key.p8")})
    with pytest.raises(SettingsWrong, match="key file"):
        databases.fetch(keyed, request(tmp_path))
