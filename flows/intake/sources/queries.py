"""The one statement that is sent to a database: written by sqlglot, never pasted.

What is sent is what was parsed. A relation is only ever a quoted name, and a day only ever a
typed literal.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

from sqlglot import exp

from flows.errors import ContractWrong
from flows.intake.sources import refusals
from flows.intake.sources.declared import QueryTable
from flows.intake.sources.request import Request
from flows.intake.sources.selects import read_select

Kind = Literal["date", "timestamp", "timestamptz", "text"]
T = TypeVar("T")


def rows_of(request: Request, table: QueryTable, dialect: str) -> exp.Select:
    """Return `select * from` the table's relation or query.

    Raises:
        ContractWrong: when the query is not one select, or the relation is no name.
    """
    try:
        origin = (
            _relation(table.relation, dialect)
            if table.relation
            else read_select(table.query or "", dialect).subquery("asked")
        )
    except ValueError as error:
        raise ContractWrong(
            f"sources/{request.source}.yml: tables.{request.table}: {error}. "
            f"Mend it, {request.again}"
        ) from None
    return exp.select("*").from_(origin)


def column(name: str) -> exp.Column:
    """Return a column by its quoted name."""
    return exp.column(name, quoted=True)


def named(value: exp.Expr, name: str) -> exp.Expr:
    """Return a value under a quoted name."""
    return exp.alias_(value, name, quoted=True)


def as_text(name: str) -> exp.Expr:
    """Return a column as the text that the database itself makes of it."""
    return exp.cast(column(name), "text")


def as_hex(name: str) -> exp.Expr:
    """Return the bytes of a column as PostgreSQL writes them: `\\x00ff`."""
    digits = exp.func("lower", exp.Anonymous(this="hex", expressions=[column(name)]))
    return exp.DPipe(this=exp.Literal.string("\\x"), expression=digits)


def changes(
    request: Request, table: QueryTable, types: Mapping[str, T], times: Mapping[T, Kind]
) -> exp.Expr | None:
    """Return what holds for the rows to read, given the type of each column; None: for all.

    Both edges are midnights: in UTC where the column knows its time zone, else as the database
    writes them. A row without a time is not among them.

    Raises:
        ColumnsDiffer: when the column that says when a row changed is not there.
        ContractWrong: when it is of none of the types that `times` names.
    """
    if table.changed_since is None:
        return None
    if table.changed_since not in types:
        raise refusals.no_such_column(request, table.changed_since)
    kind = times.get(types[table.changed_since])
    if kind is None:
        raise refusals.no_time(request, table.changed_since)
    name = column(table.changed_since)
    until = name < _midnight(request.day + dt.timedelta(days=1), kind)
    if request.earliest is None:
        return until
    return exp.and_(name >= _midnight(request.earliest, kind), until)


def statement(
    request: Request,
    rows: exp.Select,
    dialect: str,
    fields: Sequence[exp.Expr],
    condition: exp.Expr | None,
) -> str:
    """Return the SQL that reads the fields of the rows asked for, in the dialect's own words."""
    query = rows.select(*fields, append=False)
    if condition is not None:
        query = query.where(condition)
    if request.limit is not None:
        query = query.limit(request.limit)
    return query.sql(dialect)


def _relation(relation: str, dialect: str) -> exp.Expr:
    parts = [folded(part, dialect) for part in relation.split(".")]
    if len(parts) > 3 or not all(parts):
        raise ValueError("a relation is a name, or two or three with dots between them")
    name, *above = reversed(parts)
    return exp.table_(name, **dict(zip(("db", "catalog"), above, strict=False)), quoted=True)


def folded(name: str, dialect: str) -> str:
    """Return a name as the database keeps it: Snowflake has what is not quoted in upper case."""
    return name.upper() if dialect == "snowflake" and name == name.lower() else name


def _midnight(day: dt.date, kind: Kind) -> exp.Expr:
    text = {"timestamp": f"{day} 00:00:00", "timestamptz": f"{day} 00:00:00+00:00"}
    value = exp.Literal.string(text.get(kind, str(day)))
    return value if kind == "text" else exp.cast(value, kind)
