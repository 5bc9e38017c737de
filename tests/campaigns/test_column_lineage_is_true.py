"""What column lineage says of a query is what DuckDB does: what it leaves out changes nothing."""

from __future__ import annotations

from collections import Counter

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.campaigns.column_lineage import trace
from flows.campaigns.traces import Raw
from tests.campaigns.test_column_lineage import catalog

# Orders are total (y and z are different in every row): of ties nothing can be said.
QUERIES = [
    "select k, case when x > 1 then y end as v from raw.a where y > 2",
    "select a.k, u.v from raw.a left join raw.u using (k)",
    "select a.k, u.v from raw.a left join raw.u on u.k = a.k and u.w > 1 where a.x > 0",
    "select a.k, b.z from raw.a left join raw.b using (k)",
    "select a.k, b.z from raw.a right join raw.b using (k)",
    "select k, a.x, u.v from raw.a full join raw.u using (k)",
    "select a.x, b.z from raw.a inner join raw.b on a.k = b.k and b.x > 1",
    "select x from raw.a semi join raw.b using (k)",
    "select x from raw.a anti join raw.b using (k)",
    "select x from raw.a where not exists (select 1 from raw.b where b.k = a.k and b.x > 1)",
    "select x from raw.a where k not in (select k from raw.b)",
    "select k, (select max(v) from raw.u where u.k = a.k) as v from raw.a",
    "select k, sum(x) as s, count(*) as n from raw.a where y > 2 group by k having count(*) > 1",
    "select max(x) as v from raw.a where y > 2",
    "select b.k, one.v from raw.b cross join (select max(x) as v from raw.a where y > 2) as one",
    "select k, sum(x) over (partition by k order by y) as v, lag(x) over (order by y) as w "
    "from raw.a",
    "select k, x from raw.a qualify row_number() over (partition by k order by y desc) = 1",
    "select k from raw.a order by y limit 2",
    "select distinct k, x from raw.a",
    "select k from raw.a union select k from raw.b",
    "select k from raw.a except select k from raw.b",
    "with l as (select k, x from raw.b qualify row_number() over (partition by k order by z) = 1) "
    "select a.k, l.x from raw.a left join l using (k)",
    "with t as (select k, 'a' as part from raw.a union all select k, 'b' as part from raw.b) "
    "select k, count(*) as n from t where part = 'b' group by k",
    "select x + 1 as x, k from raw.a where x > 1 group by x, k",
    "select x as k, sum(y) as s from raw.a group by x order by k",
    "with t as (select k, nullif(x, 1) as x, y from raw.a) "
    "select k, name, number from t unpivot (number for name in (x, y)) where k > 0",
]
COLUMNS = {"a": ("k", "x", "y"), "b": ("k", "x", "z"), "u": ("k", "v", "w")}
DIFFERENT = {("a", "y"), ("b", "z"), ("u", "k")}

Rows = dict[str, list[tuple[int, ...]]]


@st.composite
def tables(draw: st.DrawFn) -> Rows:
    """Small tables: values that meet often, and columns that are different in every row."""
    made = {}
    for table, columns in COLUMNS.items():
        size = draw(st.integers(0, 6))
        made[table] = list(
            zip(*(draw(_column(table, column, size)) for column in columns), strict=True)
        )
    return made


def _column(table: str, column: str, size: int) -> st.SearchStrategy[list[int]]:
    unique = (table, column) in DIFFERENT
    return st.lists(st.integers(0, 9 if unique else 3), min_size=size, max_size=size, unique=unique)


@pytest.fixture(scope="module")
def engine() -> duckdb.DuckDBPyConnection:
    """An empty DuckDB with the tables of the tests."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("create schema raw")
    for table, columns in COLUMNS.items():
        kinds = ", ".join(f"{column} bigint" for column in columns)
        connection.execute(f"create table raw.{table} ({kinds})")
    return connection


def answer(
    engine: duckdb.DuckDBPyConnection, rows: Rows, query: str
) -> Counter[tuple[object, ...]]:
    """What DuckDB makes of a query."""
    engine.execute("begin")
    for table, those in rows.items():
        if those:
            engine.execute(f"insert into raw.{table} values {str(those)[1:-1]}")
    found = Counter(engine.execute(query).fetchall())
    engine.execute("rollback")
    return found


@pytest.mark.parametrize("query", QUERIES)
@settings(max_examples=12, deadline=None)
@given(rows=tables(), data=st.data())
def test_a_column_that_is_left_out_changes_nothing(
    engine: duckdb.DuckDBPyConnection, query: str, rows: Rows, data: st.DataObject
) -> None:
    found = trace(query, catalog)
    for output in [*found.columns, None]:
        decides = found.columns[output].depends if output else frozenset()
        only = f"select {output or 'count(*)'} from ({query}) as result"
        other = {
            table: _with_others(data, table, columns, rows[table], found.rows | decides)
            for table, columns in COLUMNS.items()
        }
        assert answer(engine, rows, only) == answer(engine, other, only)


def _with_others(
    data: st.DataObject,
    table: str,
    columns: tuple[str, ...],
    rows: list[tuple[int, ...]],
    decides: frozenset[Raw],
) -> list[tuple[int, ...]]:
    """The same rows with other values in every column that decides nothing."""
    if not any(raw.table == table for raw in decides):
        return []
    values = [
        [row[place] for row in rows]
        if Raw(table, column) in decides
        else data.draw(_column(table, column, len(rows)))
        for place, column in enumerate(columns)
    ]
    return list(zip(*values, strict=True))
