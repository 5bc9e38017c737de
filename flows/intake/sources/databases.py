"""A table of a database: which way in, by its URL. Each way raises errors of ours only."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from flows.intake.sources.addresses import address_of
from flows.intake.sources.declared import Database, Snowflake
from flows.intake.sources.request import Arrived, Request

_WAYS = {"postgresql": "postgresql", "sqlite": "sqlite", "duckdb": "duckdb_file"}


def fetch(source: Database | Snowflake, request: Request) -> Arrived:
    """Read one table of one business date into one Parquet file of the request's folder.

    Raises:
        SourceUnreachable, AccessRefused, TableMissing, FileBroken, ColumnsDiffer, ContractWrong,
            SettingsWrong: each with what to do next; then the folder has nothing new in it.
    """
    return _way(source, request)(source, request)


def _way(source: Database | Snowflake, request: Request) -> Callable[[Any, Request], Arrived]:
    # A driver is imported when it is needed: the Snowflake connector alone takes three seconds.
    name = "snowflake"
    if isinstance(source, Database):
        backend = address_of(source, request).get_backend_name()
        name = _WAYS.get(backend, "streamed_rows")
    module = import_module(f"flows.intake.sources.{name}")
    way: Callable[[Any, Request], Arrived] = module.fetch
    return way
