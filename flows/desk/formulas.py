"""The SQL that a request brings: read, held to what an expression may be, and run on examples.

What a client types is never run as it came. It is read by sqlglot; only operators, literals, named
columns and functions of the list below may stand in it, and it is run in a DuckDB that has no
files, no network, little memory and a few seconds.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from flows.intake.casting import form_of

SECONDS = 5
MEMORY = "256MB"
# What an expression may be made of. All of it says the same on DuckDB and on Snowflake.
PARTS: tuple[type[exp.Expr], ...] = (
    *(exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.Star),
    *(exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is),
    *(exp.In, exp.Between, exp.Like, exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod),
    *(exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.Cast, exp.DataType, exp.DataTypeParam),
    *(exp.Count, exp.CountIf, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Median, exp.Distinct),
    *(exp.Round, exp.Abs, exp.Ceil, exp.Floor, exp.Greatest, exp.Least),
    *(exp.Lower, exp.Upper, exp.Trim, exp.Length, exp.Substring, exp.StartsWith, exp.Concat),
    *(exp.Extract, exp.Var, exp.Date, exp.DateTrunc),
)
FUNCTIONS = (
    "count, count_if, sum, avg, min, max, median, round, abs, ceil, floor, "
    "greatest, least, coalesce, nullif, lower, upper, trim, length, substring, starts_with, "
    "concat, extract, date_trunc, cast and case"
)


class NotAnExpression(ValueError):
    """The text is not an expression that a request may bring. Its words are fit for a person."""


@dataclass(frozen=True)
class Formula:
    """An expression that was read: what it says, and the columns that it names."""

    sql: str
    columns: frozenset[str]
    is_aggregate: bool


def read(text: str) -> Formula:
    """Return an expression as it is written into a model.

    Raises:
        NotAnExpression: with what is in the way.
    """
    try:
        parsed = sqlglot.parse(f"select {text}", dialect="duckdb")
    except (SqlglotError, RecursionError):
        raise NotAnExpression("cannot be read as an SQL expression") from None
    select = parsed[0] if len(parsed) == 1 else None
    if not isinstance(select, exp.Select) or len(select.selects) != 1:
        raise NotAnExpression("is not one expression")
    if any(value for key, value in select.args.items() if key != "expressions"):
        raise NotAnExpression("is a statement: write the expression only, without from and where")
    return _held(select.selects[0])


def _held(found: exp.Expr) -> Formula:
    for node in found.walk():
        if isinstance(node, exp.Subquery | exp.Select | exp.Window | exp.Alias):
            raise NotAnExpression("has a query, a window or a name of its own in it")
        if isinstance(node, exp.Anonymous):
            raise NotAnExpression(f"has {node.name}() in it; there are {FUNCTIONS}")
        if isinstance(node, exp.Column) and node.table:
            raise NotAnExpression(f"names {node.sql()}: a column without its table")
        if isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count):
            raise NotAnExpression("has a * outside of count(*)")
        if not isinstance(node, PARTS):
            word = node.key.replace("_", " ")
            raise NotAnExpression(f"has a {word} in it; there are {FUNCTIONS}")
    columns = frozenset(each.name.lower() for each in found.find_all(exp.Column))
    sql = found.sql(dialect="duckdb", normalize_functions="lower")
    return Formula(_lowered(sql), columns, found.find(exp.AggFunc) is not None)


def _lowered(sql: str) -> str:
    """Return SQL with its keywords in lower case, as the house writes it."""
    tokens = sqlglot.tokenize(sql, dialect="duckdb")
    for token in reversed(tokens):
        said = sql[token.start : token.end + 1]
        if said.isalpha() and said.isupper():
            sql = sql[: token.start] + said.lower() + sql[token.end + 1 :]
    return sql


@contextmanager
def sealed() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a DuckDB that reaches nothing, and that is ended when it takes too long.

    Raises:
        NotAnExpression: when what is run in it fails, or does not end.
    """
    connection = duckdb.connect(
        config={"enable_external_access": False, "memory_limit": MEMORY, "threads": 1}
    )
    connection.execute("set timezone = 'UTC'")
    connection.execute("set lock_configuration = true")
    watch = threading.Timer(SECONDS, connection.interrupt)
    watch.start()
    try:
        yield connection
    except duckdb.InterruptException:
        raise NotAnExpression(f"did not end within {SECONDS} seconds") from None
    except duckdb.Error as error:
        # The kind of the error only: what follows may quote a value.
        reason = str(error).splitlines()[0].partition(":")[0].lower()
        raise NotAnExpression(f"cannot be run on the examples ({reason})") from None
    finally:
        watch.cancel()
        connection.close()


def write_sheet(
    connection: duckdb.DuckDBPyConnection,
    rows: Sequence[Mapping[str, str]],
    types: Mapping[str, str],
) -> None:
    """Make the table `given` of rows of a sheet, numbered from 1 as `row_number_given`.

    A column whose type is not known gets the first that all its texts fit; an empty cell is null.
    """
    names = list(rows[0])
    columns = ", ".join(f"{_quoted(name)} varchar" for name in names)
    connection.execute(f"create table texts (row_number_given integer, {columns})")
    marks = ", ".join("?" for _ in range(len(names) + 1))
    for number, row in enumerate(rows, start=1):
        values = [row[name] or None for name in names]
        connection.execute(f"insert into texts values ({marks})", [number, *values])
    typed = ", ".join(
        f"cast({_quoted(n)} as {types.get(n) or _fitting(connection, n)}) as {_quoted(n)}"
        for n in names
    )
    connection.execute(f"create table given as select row_number_given, {typed} from texts")


def unknown_columns(formulas: Iterable[Formula], known: Iterable[str]) -> list[str]:
    """Return the columns that formulas name and that are not there."""
    there = set(known)
    return sorted({name for each in formulas for name in each.columns} - there)


def _fitting(connection: duckdb.DuckDBPyConnection, name: str) -> str:
    text = _quoted(name)
    for kind in ("bigint", "decimal(18,4)", "date", "timestamp", "boolean"):
        # The cast alone would round 1.5 to a whole number.
        fits = f"regexp_full_match({text}, ?) and try_cast({text} as {kind}) is not null"
        query = f"select bool_and({fits}) from texts where {text} is not null"
        if connection.execute(query, [form_of(kind)]).fetchall()[0][0]:
            return kind
    return "varchar"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
