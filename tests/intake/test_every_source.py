"""The same rows from every kind of source, through the whole intake, make the same batch."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
import xlsxwriter
from fakesnow import server as fakesnow_server  # once called, the name is a module
from moto.server import ThreadedMotoServer
from snowflake import connector

from flows.contracts.contract import Column, Contract
from flows.intake.intake import Intake, Received
from flows.intake.manifest import Manifest
from flows.intake.receive import receive
from flows.intake.sources.declared import Api, Database, Files, Snowflake
from flows.ledger import Ledger
from flows.settings import Instance
from tests.sources.misbehaving_server import Answer, serving
from tests.sources.servers import Place, mariadb, place, postgres, run
from tests.sources.sftp_server import SftpServer

__all__ = ["mariadb", "place", "postgres"]

DAY = dt.date(2017, 11, 21)
NAMES = ("order_id", "customer", "amount", "ordered_at", "ordered_on", "is_gift")
TYPES = ("bigint", "varchar", "decimal(18,4)", "timestamp", "date", "boolean")
ROWS = [
    ("1", 'Ann; "the" first', "12.5", "2017-11-21 08:00:00", "2017-11-21", "true"),
    ("2", "Zoë, née Bär", "0.0001", "2017-11-21 23:59:59", "2017-11-21", "false"),
    ("3", None, "-3", "2017-11-21 12:30:00", "2017-11-21", "true"),
    ("9007199254740993", "it's", "99999999999999.9999", "2017-11-21 00:00:00", "2017-11-21", None),
]
SELECT = ", ".join(
    f"cast({name} as {data_type}) as {name}" for name, data_type in zip(NAMES, TYPES, strict=True)
)


def contract(**other: Any) -> Contract:
    """A contract without a suite: what is looked at here is how rows come in."""
    said: dict[str, Any] = {
        "table": "orders",
        "description": "One row per order.",
        "owner": "shop@client.example",
        "source": "shop",
        "grain": "order_id",
        "load": "delta",
        "row_date": "ordered_on",
        "deliveries": "daily",
        "ready_by": "05:00",
        "wait_until": "07:00",
        "if_missing": "hold_all",
        "stale_limit_days": 0,
        "because": "A test.",
        "decided_by": "Somebody",
        "decided_on": DAY,
        "review_by": DAY,
        "columns": tuple(
            Column(name=name, data_type=data_type, description="A column of a test.")
            for name, data_type in zip(NAMES, TYPES, strict=True)
        ),
        "sha256": "",
    }
    return Contract(**said | other)


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    (tmp_path / "deliveries").mkdir()
    return Instance(
        deliveries=tmp_path / "deliveries", warehouse=tmp_path / "warehouse", intake_memory="500MB"
    )


def take(instance: Instance, source: Any, **other: Any) -> Received:
    ledger = Ledger(instance.ledger_url)
    manifest = Manifest(client="shop", business_date=DAY, tables=())
    return receive(Intake(instance, ledger, contract(**other), source, DAY, manifest))


def batch_of(instance: Instance) -> list[tuple[Any, ...]]:
    (path,) = (instance.batches / "orders" / f"batch_date={DAY}").glob("v*.parquet")
    found = duckdb.sql(f"select {', '.join(NAMES)} from '{path}' order by order_id").fetchall()
    return [tuple(row) for row in found]


def quoted(row: tuple[Any, ...]) -> list[str]:
    return ["null" if value is None else "'" + value.replace("'", "''") + "'" for value in row]


def expected() -> list[tuple[Any, ...]]:
    values = ", ".join(f"({', '.join(quoted(row))})" for row in ROWS)
    names = ", ".join(NAMES)
    return duckdb.sql(f"select {SELECT} from (values {values}) as t({names}) order by 1").fetchall()


def is_whole(instance: Instance, received: Received) -> bool:
    assert received.state == "arrived", received.sentence
    assert received.counts is not None
    assert (received.counts.delivered, received.counts.accepted) == (len(ROWS), len(ROWS))
    assert batch_of(instance) == expected()
    return True


def files(form: dict[str, Any], **store: Any) -> Files:
    table = {"path": "{business_date}/orders*", "in_manifest": False} | form
    return Files(kind="files", description="The shop.", tables={"orders": table}, **store)


def as_csv(rows: list[tuple[Any, ...]], between: str = ",", header: bool = True) -> str:
    def cell(value: Any) -> str:
        return "" if value is None else '"' + value.replace('"', '""') + '"'

    lines = [between.join(NAMES)] if header else []
    return "\n".join([*lines, *(between.join(map(cell, row)) for row in rows)]) + "\n"


def as_objects(rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    flags = {"true": True, "false": False, None: None}
    return [
        dict(zip(NAMES, row, strict=True)) | {"order_id": int(row[0]), "is_gift": flags[row[5]]}
        for row in rows
    ]


def as_workbook(path: Path) -> bytes:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Orders")
        for line, row in enumerate([NAMES, *ROWS]):
            for place_in_row, value in enumerate(row):
                sheet.write_string(line, place_in_row, value) if value is not None else None
    return path.read_bytes()


def as_parquet(path: Path) -> bytes:
    names = ", ".join(NAMES)
    duckdb.execute(
        f"copy (select * from (values {', '.join('(?, ?, ?, ?, ?, ?)' for _ in ROWS)}) "
        f"as t({names})) to '{path}' (format parquet)",
        [value for row in ROWS for value in row],
    )
    return path.read_bytes()


FORMS: dict[str, tuple[dict[str, Any], dict[str, bytes]]] = {
    "csv": ({"format": "csv"}, {"orders.csv": as_csv(ROWS).encode()}),
    "csv without header, latin-1, gzip": (
        {"format": "csv", "header": False, "delimiter": ";", "encoding": "latin-1",
         "compression": "gzip"},
        {"orders.csv.gz": gzip.compress(as_csv(ROWS, ";", header=False).encode("latin-1"))},
    ),
    "csv in parts": (
        {"format": "csv"},
        {"orders-1.csv": as_csv(ROWS[:1]).encode(), "orders-2.csv": as_csv(ROWS[1:]).encode()},
    ),
    "json lines": (
        {"format": "jsonl"},
        {"orders.jsonl": "\n".join(json.dumps(each) for each in as_objects(ROWS)).encode()},
    ),
    "a json array": ({"format": "json"}, {"orders.json": json.dumps(as_objects(ROWS)).encode()}),
    "a json document": (
        {"format": "json", "records": "data.orders"},
        {"orders.json": json.dumps({"data": {"orders": as_objects(ROWS)}}).encode()},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", [*FORMS, "parquet", "excel"])
def test_files_of_every_form(instance: Instance, tmp_path: Path, kind: str) -> None:
    form, parts = FORMS.get(kind, ({"format": kind}, {}))
    if kind == "parquet":
        parts = {"orders.parquet": as_parquet(tmp_path / "made.parquet")}
    if kind == "excel":
        parts = {"orders.xlsx": as_workbook(tmp_path / "made.xlsx")}
    for name, content in parts.items():
        path = instance.deliveries / str(DAY) / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    assert is_whole(instance, take(instance, files(form)))


def test_files_on_an_sftp_server(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "server" / "out" / str(DAY)
    folder.mkdir(parents=True)
    (folder / "orders.csv").write_text(as_csv(ROWS))
    with SftpServer(tmp_path / "server") as server:
        monkeypatch.setenv("SHOP_PASSWORD", server.password)
        source = files(
            {"format": "csv"},
            store=f"sftp://127.0.0.1:{server.port}/out",
            username=server.username,
            password="${SHOP_PASSWORD}",
            host_key=server.host_key(),
        )
        assert is_whole(instance, take(instance, source))


@pytest.fixture
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


def test_files_in_an_s3_store(instance: Instance, s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_ACCESS_KEY", "known")
    monkeypatch.setenv("SHOP_SECRET_KEY", "kept")
    keys = {"aws_access_key_id": "known", "aws_secret_access_key": "kept"}
    client = boto3.client("s3", endpoint_url=s3, region_name="us-east-1", **keys)
    client.create_bucket(Bucket="shop")
    client.put_object(Bucket="shop", Key=f"out/{DAY}/orders.csv", Body=as_csv(ROWS).encode())
    source = files(
        {"format": "csv"},
        store="s3://shop/out",
        endpoint=s3,
        region="us-east-1",
        access_key="${SHOP_ACCESS_KEY}",
        secret_key="${SHOP_SECRET_KEY}",
    )
    assert is_whole(instance, take(instance, source))


@pytest.mark.parametrize("asked", ["relation", "query"])
def test_a_table_of_every_database(instance: Instance, place: Place, asked: str) -> None:
    words = dict(zip(NAMES, TYPES, strict=True))
    if place.kind == "mariadb":
        words |= {"customer": "varchar(60)", "ordered_at": "datetime"}
    if place.kind == "sqlite":
        # It has no exact numbers, and would make of the last amount another one.
        words |= {"amount": "text"}
    columns = ", ".join(f"{name} {word}" for name, word in words.items())
    place.run(f"create table {{orders}} ({columns})")
    for row in ROWS:
        values = quoted(row)
        flag = {"true": "true", "false": "false", None: "null"}[row[5]]
        place.run(f"insert into {{orders}} values ({', '.join([*values[:5], flag])})")
    table = {"relation": place.orders, "changed_since": "ordered_at"}
    if asked == "query":
        table = {"query": f"select * from {place.orders}"}
    source = Database(
        kind="database", description="The shop.", url=place.url, tables={"orders": table}
    )
    assert is_whole(instance, take(instance, source))


@pytest.mark.parametrize("kind", ["page", "cursor", "link"])
def test_a_table_of_an_api(instance: Instance, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    rows = as_objects(ROWS)

    def answers(query: dict[str, str]) -> Answer:
        number = int(query.get("page", 1))
        told: dict[str, Any] = {"data": {"items": rows[number - 1 : number]}, "count": len(rows)}
        told["next"] = str(number + 1) if number < len(rows) else None
        headers = {}
        if kind == "link" and told["next"]:
            headers = {"Link": f'</v1/orders?page={told["next"]}>; rel="next"'}
        return Answer(200, headers, json.dumps(told).encode())

    monkeypatch.setenv("SHOP_TOKEN", "a-token")
    paging: dict[str, Any] = {"kind": kind}
    if kind == "cursor":
        paging |= {"next": "next", "parameter": "page"}
    table = {"path": "/v1/orders", "records": "data.items", "total": "count", "paging": paging}
    with serving(answers) as server:
        server.lets_in = lambda headers, _: headers.get("authorization") == "Bearer a-token"
        source = Api(
            kind="api",
            description="The shop.",
            url=server.url,
            auth={"kind": "bearer", "token": "${SHOP_TOKEN}"},
            tables={"orders": table},
        )
        # What a server forgets once is asked again; what it keeps refusing is a state.
        server.faults = [lambda _: Answer(429, {"Retry-After": "0"}), None]
        assert is_whole(instance, take(instance, source))


def test_a_table_of_snowflake(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    logging.disable(logging.INFO)
    monkeypatch.setenv("SHOP_PASSWORD", "snow")
    with fakesnow_server() as arguments:
        with connector.connect(**arguments, database="SHOP", schema="OUT") as connection:
            cursor = connection.cursor()
            cursor.execute(
                "create table ORDERS (order_id number(38,0), customer varchar, "
                "amount number(18,4), ordered_at timestamp_ntz, ordered_on date, is_gift boolean)"
            )
            for row in ROWS:
                cursor.execute(f"insert into ORDERS select {', '.join(quoted(row))}")
        source = Snowflake(
            kind="snowflake",
            description="The shop.",
            account="fakesnow",
            user="fake",
            password="${SHOP_PASSWORD}",
            database="SHOP",
            endpoint=f"http://{arguments['host']}:{arguments['port']}",
            tables={"orders": {"relation": "out.orders"}},
        )
        assert is_whole(instance, take(instance, source))
    logging.disable(logging.NOTSET)


def test_what_a_source_sent_is_not_asked_for_again(instance: Instance, postgres: Any) -> None:
    names = ", ".join(NAMES)
    select = f"select {SELECT} from (values ('1', 'a', '1', '2017-11-21', '2017-11-21', 'true'))"
    run(postgres.url, f"create table {postgres.name}.orders as {select} as t({names})")
    source = Database(
        kind="database",
        description="The shop.",
        url=postgres.address,
        tables={"orders": {"relation": f"{postgres.name}.orders"}},
    )
    first = take(instance, source)
    run(postgres.url, f"delete from {postgres.name}.orders")
    second = take(instance, source)
    assert (first.taken_before, second.taken_before) == (False, True)
    assert first.counts == second.counts
    assert len(batch_of(instance)) == 1


def test_a_server_that_is_gone_leaves_a_state_and_no_batch(instance: Instance) -> None:
    source = Database(
        kind="database",
        description="The shop.",
        url="postgresql://nobody@127.0.0.1:1/shop",
        tables={"orders": {"relation": "orders"}},
    )
    received = take(instance, source)
    assert received.state == "missing"
    assert "Ask shop@client.example" in received.sentence
    assert not instance.batches.exists()
