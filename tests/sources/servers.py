"""Real servers for the tests of sources: a schema or a database of each test's own.

Found by `SCV_TEST_POSTGRES` and `SCV_TEST_MARIADB`. A server that is not there skips the test, or
fails it under `SCV_TEST_REQUIRE=1`.
"""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi as postgres_driver
import duckdb
import pymysql
import pytest
import sqlalchemy as sa

from flows.intake.sources import databases
from flows.intake.sources.declared import Database, QueryTable
from flows.intake.sources.request import Request
from flows.settings import Instance

POSTGRES = os.environ.get("SCV_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")
MARIADB = os.environ.get("SCV_TEST_MARIADB", "mysql+pymysql://root@127.0.0.1:3306/test")
DAY = dt.date(2017, 11, 21)


@dataclass(frozen=True)
class Server:
    """A server, and the schema (PostgreSQL) or database (MariaDB) that is the test's own."""

    url: sa.URL
    name: str

    @property
    def address(self) -> str:
        """The URL as a source declares it."""
        return self.url.render_as_string(hide_password=False)

    def run(self, *statements: str) -> None:
        """Run statements as the administrator."""
        run(self.url, *statements)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what the administrator sees."""
        return run(self.url, query)


@pytest.fixture
def postgres() -> Iterator[Server]:
    """A schema in the PostgreSQL of the tests."""
    yield from _own(POSTGRES, "schema")


@pytest.fixture
def mariadb() -> Iterator[Server]:
    """A database in the MariaDB of the tests."""
    yield from _own(MARIADB, "database")


@dataclass(frozen=True)
class Place:
    """A database of one of the four kinds that we test with, and where its tables are."""

    kind: str
    url: str
    before: str
    server: sa.URL
    quote: str = '"'

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements that call our table `{orders}`; return the rows of the last."""
        return run(self.server, *(text.replace("{orders}", self.orders) for text in statements))

    @property
    def orders(self) -> str:
        """Our table's name in SQL."""
        return f"{self.before}orders"

    def named(self, name: str) -> str:
        """A name in the quotes of the database."""
        return self.quote + name.replace(self.quote, self.quote * 2) + self.quote

    def read(self, folder: Path, asked: Request | None = None, **table: Any) -> list[Any]:
        """Fetch `orders` and return its rows as the intake sees them: text."""
        said = table if "query" in table else {"relation": self.orders} | table
        return read(folder, self.url, asked, **said)


@pytest.fixture(params=["postgresql", "mariadb", "sqlite", "duckdb"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty database of each kind."""
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        return Place(request.param, server.address, f"{server.name}.", server.url)
    if request.param == "mariadb":
        server = request.getfixturevalue("mariadb")
        return Place(request.param, server.address, "", server.url, "`")
    file = f"{request.param}:///{tmp_path / 'client.db'}"
    return Place(request.param, file, "", sa.make_url(file))


def run(url: sa.URL, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements as the administrator; return the rows of the last."""
    with closing(_connect(url)) as connection, closing(connection.cursor()) as cursor:
        for statement in statements:
            cursor.execute(statement)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


def _connect(url: sa.URL) -> Any:
    kind = url.get_backend_name()
    if kind == "postgresql":
        return postgres_driver.connect(url.render_as_string(hide_password=False), autocommit=True)
    if kind == "sqlite":
        return sqlite3.connect(url.database or "", isolation_level=None)
    if kind == "duckdb":
        return duckdb.connect(url.database or "")
    return pymysql.connect(
        host=url.host or "",
        port=url.port or 3306,
        user=url.username,
        password=url.password or "",
        database=url.database,
        autocommit=True,
    )


def request(folder: Path, **other: Any) -> Request:
    """What a night asks for: all of `orders`, unless said otherwise."""
    said: dict[str, Any] = {
        "instance": Instance(deliveries=folder, warehouse=folder, memory_limit="200MB"),
        "source": "till",
        "table": "orders",
        "owner": "till@client.example",
        "day": DAY,
        "earliest": None,
        "folder": folder / "arriving",
    }
    return Request(**said | other)


def source(url: str, **table: Any) -> Database:
    """A database whose one table is `orders`."""
    asked = table if "query" in table else {"relation": "orders"} | table
    tables = {"orders": QueryTable(**asked)}
    return Database(kind="database", description="The tills.", url=url, tables=tables)


def read(folder: Path, url: str, asked: Request | None = None, **table: Any) -> list[Any]:
    """Fetch `orders` and return its rows as the intake sees them: text."""
    arrived = databases.fetch(source(url, **table), asked or request(folder))
    (part,) = arrived.parts
    assert [path.name for path in part.parent.iterdir()] == ["orders.parquet"]
    return texts(part)


def texts(part: Path) -> list[Any]:
    """Return the rows of a Parquet file as dictionaries of text, as the intake reads them."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        found = connection.execute(f"select cast(columns(*) as varchar) from '{part}'")
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def left_in(folder: Path) -> list[str]:
    """Return what a failure left in the request's folder."""
    return [path.name for path in (folder / "arriving").glob("*")]


def _own(address: str, kind: str) -> Iterator[Server]:
    url = sa.make_url(address)
    name = f"scv_{uuid.uuid4().hex[:12]}"
    try:
        run(url, f"create {kind} {name}")
    except Exception as error:
        if os.environ.get("SCV_TEST_REQUIRE") == "1":
            raise
        pytest.skip(f"no server at {url.host}:{url.port} ({type(error).__name__})")
    try:
        yield Server(url if kind == "schema" else url.set(database=name), name)
    finally:
        run(url, f"drop {kind} {name}" + (" cascade" if kind == "schema" else ""))
