"""What may be sent to a client's database: one select, as sqlglot reads it."""

from __future__ import annotations

from collections.abc import Iterable

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

_DIALECTS = {"postgresql": "postgres", "mariadb": "mysql", "mssql": "tsql"}
_WRITES = (exp.DML, exp.DDL, exp.Into, exp.Lock, exp.Command)


def dialect_of(drivername: str) -> str:
    """Return sqlglot's word for the dialect of a URL such as `mysql+pymysql://…`."""
    backend = drivername.partition("+")[0]
    dialect = _DIALECTS.get(backend, backend)
    return dialect if dialect in sqlglot.Dialect.classes else ""


def read_select(query: str, dialect: str) -> exp.Query:
    """Return a query as it was understood: a select, a `with … select`, or a union of them.

    Raises:
        ValueError: when it is anything else, or more than one; the query is not quoted.
    """
    try:
        parsed = sqlglot.parse(query, dialect=dialect)
    except SqlglotError:
        # Its message quotes the query, and with it perhaps a value.
        raise ValueError(f"the query cannot be read as {dialect or 'SQL'}") from None
    # What stands behind the last semicolon may be a remark.
    found = [each for each in parsed if each and not isinstance(each, exp.Semicolon)]
    if len(found) != 1 or not isinstance(found[0], exp.Query):
        raise ValueError("the query is not one select")
    if next(found[0].find_all(*_WRITES), None) is not None:
        raise ValueError("the query would write or lock, and we only read")
    return found[0]


def check_selects(queries: Iterable[tuple[str, str | None]], dialect: str) -> None:
    """Read the query of every table that has one.

    Raises:
        ValueError: with the table whose query is not one select.
    """
    for table, query in queries:
        if query is not None:
            try:
                read_select(query, dialect)
            except ValueError as error:
                raise ValueError(f"tables.{table}: {error}") from None
