"""The client's clock is the same in both dialects, hour by hour, through every change of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import fakesnow
import jinja2
import pytest
from ruamel.yaml import YAML

from flows.settings import Instance
from tests.conftest import PROJECT

VARIABLES = YAML(typ="safe", pure=True).load((PROJECT / "dbt_project.yml").read_text())["vars"]
# Two years, a leap day and four changes of the clock, at a minute that is not the full hour.
HOURS = [
    dt.datetime(2016, 1, 1, 0, 30) + dt.timedelta(hours=hour) for hour in range(24 * (366 + 365))
]


def spoken(dialect: str) -> str:
    """What the macro says in a dialect, for a column `instant`."""
    said: list[str] = []
    macros = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)
    macros.globals.update({"return": said.append, "var": VARIABLES.__getitem__})
    text = (PROJECT / "macros" / "dialect.sql").read_text()
    getattr(macros.from_string(text).make_module(), f"{dialect}__local_time")("instant")
    return said[0]


def expected() -> list[dt.datetime]:
    zone = Instance().time_zone
    return [at.replace(tzinfo=dt.UTC).astimezone(zone).replace(tzinfo=None) for at in HOURS]


def query(dialect: str) -> str:
    return f"select {spoken(dialect)} from hours order by instant"


@pytest.fixture
def hours() -> str:
    """A table of the hours."""
    listed = ", ".join(f"('{at}'::timestamp)" for at in HOURS)
    return f"create table hours as select * from (values {listed}) as given(instant)"


def test_duckdb_tells_the_clients_time(hours: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"set timezone = 'UTC'; {hours}")
        found: list[Any] = connection.execute(query("default")).fetchall()
    assert [row[0] for row in found] == expected()


def test_snowflake_tells_the_clients_time(hours: str) -> None:
    with fakesnow.patch():
        import snowflake.connector

        connection = snowflake.connector.connect(database="SCV", schema="PUBLIC")
        connection._duck_conn.execute(
            hours.replace("table hours", 'table "SCV"."PUBLIC"."HOURS"').replace(
                "given(instant)", 'given("INSTANT")'
            )
        )
        found = connection.cursor().execute(query("snowflake")).fetchall()
    assert [row[0] for row in found] == expected()
