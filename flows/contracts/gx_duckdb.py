"""A DuckDB data source for Great Expectations, which ships none.

Its SQL engine reads a cursor after the connection went back to the pool: SQLAlchemy rolls back,
DuckDB drops the pending result, and every check errs or, worse, passes. Holding one connection
for each engine mends it. DuckDB's `~` is a full match: patterns in contracts are anchored.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Literal, Type  # noqa: UP035  (`type` is a field below)

import sqlalchemy as sa
from great_expectations.datasource.fluent.config_str import ConfigStr
from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from sqlalchemy.dialects import postgresql


class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):  # type: ignore[misc]
    """GX's SQL engine on one DuckDB connection that stays open."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Switches on GX's patterns and types for a dialect that it does not know.
        types = {name: getattr(sa.types, name) for name in dir(sa.types) if name.isupper()}
        self._connection: sa.Connection | None = None
        self.dialect_module = SimpleNamespace(dialect=postgresql.dialect, **types)

    @contextmanager
    def get_connection(self) -> Iterator[sa.Connection]:
        """Yield the one connection, rolled back first when a transaction is open."""
        connection = self._connection
        if connection is None or connection.closed:
            connection = self._connection = self.engine.connect()
        elif connection.in_transaction():
            connection.rollback()
        yield connection

    def let_go(self) -> None:
        """Close the connection: GX itself would keep it until the interpreter ends."""
        if self._connection is not None:
            self._connection.close()
        self.engine.dispose()


class DuckDBDatasource(SQLDatasource):  # type: ignore[misc]
    """`context.data_sources.add_duckdb(name, connection_string=…, kwargs={"creator": …})`."""

    type: Literal["duckdb"] = "duckdb"
    connection_string: ConfigStr | str

    @property
    def execution_engine_type(self) -> Type[SqlAlchemyExecutionEngine]:  # noqa: UP006
        """The engine that this data source runs on."""
        return DuckDBExecutionEngine
