"""What a query depends on, construct by construct; what is not understood is never guessed."""

from __future__ import annotations

import pytest

from flows.campaigns.clauses import Untraceable
from flows.campaigns.column_lineage import trace
from flows.campaigns.traces import ROWS, Raw, Relation, Trace


def table(name: str, *columns: str, keys: tuple[str, ...] = ()) -> Relation:
    """A raw table, each column of which depends on itself."""
    rows = frozenset([Raw(name, ROWS)])
    traces = {each: Trace(*[frozenset([Raw(name, each)])] * 2) for each in columns}
    return Relation(rows, traces, keys=frozenset(frozenset([key]) for key in keys))


TABLES = {
    "a": table("a", "k", "x", "y"),
    "b": table("b", "k", "x", "z"),
    "u": table("u", "k", "v", "w", keys=("k",)),
    "seed": Relation(columns={"name": Trace(), "value": Trace()}, rest=Trace()),
    "marked": table("marked", "k", "origin"),
}


def catalog(schema: str, name: str) -> Relation:
    """The tables of the tests, in the schema `raw`."""
    if schema != "raw" or name not in TABLES:
        raise Untraceable(f"the graph does not know {schema}.{name}")
    return TABLES[name]


def of(sql: str) -> Relation:
    """What a query depends on."""
    return trace(sql, catalog)


def rows(sql: str) -> str:
    """What the rows of a query depend on, in short."""
    return _short(of(sql).rows)


def value(sql: str, column: str = "value") -> str:
    """What a column of a query depends on, in short."""
    return _short(of(sql).columns[column].depends)


def _short(raws: frozenset[Raw]) -> str:
    return " ".join(sorted(f"{raw.table}.{raw.column}" for raw in raws))


def test_a_plain_column_depends_on_itself() -> None:
    assert value("select x as value from raw.a") == "a.x"
    assert rows("select x as value from raw.a") == "a.*"


def test_a_filter_decides_the_rows() -> None:
    assert rows("select x from raw.a where y > 1 and k is not null") == "a.* a.k a.y"


def test_both_sides_of_a_case_count() -> None:
    assert value("select case when k > 1 then x else y end as value from raw.a") == "a.k a.x a.y"


def test_names_are_read_without_their_case_and_stars_are_spelt_out() -> None:
    assert value('with "C" as (select * exclude (y) from raw.a) select X as VALUE from c') == "a.x"
    assert list(of("select * exclude (y) from raw.a").columns) == ["k", "x"]


def test_an_alias_of_the_same_select_is_followed() -> None:
    assert value("select x + 1 as later, later * 2 as value from raw.a") == "a.x"
    assert rows("select x + y as total from raw.a where total > 1") == "a.* a.x a.y"


def test_an_inner_join_decides_the_rows_by_its_keys() -> None:
    assert rows("select a.x from raw.a inner join raw.u using (k)") == "a.* a.k u.* u.k"
    assert rows("select a.x from raw.a, raw.b where a.k = b.k") == "a.* a.k b.* b.k"


def test_a_left_join_on_a_unique_key_decides_no_rows() -> None:
    sql = "select a.x, u.v as value from raw.a left join raw.u on u.k = a.k"
    assert rows(sql) == "a.*"
    assert value(sql) == "a.k u.* u.k u.v"
    assert value(sql, "x") == "a.x"


def test_a_left_join_on_what_is_not_unique_decides_rows() -> None:
    assert rows("select a.x from raw.a left join raw.b using (k)") == "a.* a.k b.* b.k"
    assert rows("select a.x from raw.a left join raw.u on u.v = a.k") == "a.* a.k u.* u.v"
    either = "select a.x from raw.a left join raw.u on u.k = a.k or u.v = a.x"
    assert rows(either) == "a.* a.k a.x u.* u.k u.v"


@pytest.mark.parametrize(
    "unique",
    [
        "select k, max(x) as v from raw.b group by k",
        "select k, max(x) as v from raw.b group by 1",
        "select distinct k from raw.b",
        "select k, x from raw.b qualify row_number() over (partition by k order by z) = 1",
        "select k from raw.u where v > 1",
        "select u.k, b.x from raw.u left join (select k, max(x) as x from raw.b group by k) as b "
        "using (k)",
    ],
)
def test_a_key_is_seen_in_the_sql_itself(unique: str) -> None:
    assert rows(f"select a.x from raw.a left join ({unique}) as r using (k)") == "a.*"


@pytest.mark.parametrize(
    "several",
    [
        "select k, x, max(z) as v from raw.b group by k, x",
        "select distinct k, x from raw.b",
        "select k from raw.b qualify row_number() over (partition by k, x order by z) = 1",
        "select k from raw.b qualify rank() over (partition by k order by z) = 1",
        "select u.k from raw.u left join raw.b using (k)",
        "select k from raw.u union all select k from raw.u",
    ],
)
def test_what_is_no_key_is_not_taken_for_one(several: str) -> None:
    found = rows(f"select a.x from raw.a left join ({several}) as r using (k)")
    assert found.startswith("a.* a.k")


def test_a_full_join_makes_every_value_uncertain() -> None:
    sql = "select a.x as value from raw.a full join raw.u using (k)"
    assert value(sql) == "a.* a.k a.x u.* u.k"
    assert "u.*" in rows(sql)


def test_a_semi_join_and_exists_and_in_decide_rows() -> None:
    assert rows("select x from raw.a semi join raw.b using (k)") == "a.* a.k b.* b.k"
    exists = "select x from raw.a where exists (select z from raw.b where b.k = a.k)"
    assert rows(exists) == "a.* a.k b.* b.k"
    assert rows("select x from raw.a where k in (select k from raw.b)") == "a.* a.k b.* b.k"


def test_a_scalar_subquery_counts_whole_and_a_seed_for_nothing() -> None:
    sql = "select x > (select max(z) from raw.b where b.x > 1) as value from raw.a"
    assert value(sql) == "a.x b.* b.x b.z"
    seed = "select x > (select value from raw.seed where name = 'limit') as value from raw.a"
    assert value(seed) == "a.x"


def test_a_name_that_a_seed_may_have_is_looked_for_outside_too() -> None:
    sql = "select (select max(value) from raw.seed where name = y) as value from raw.a"
    assert value(sql) == "a.y"


def test_an_aggregate_depends_on_rows_filter_and_group() -> None:
    sql = "select k, sum(x) as value from raw.a where y > 1 group by k having sum(x) > 5"
    assert value(sql) == "a.* a.k a.x a.y"
    assert value(sql, "k") == "a.k"
    assert rows(sql) == "a.* a.k a.x a.y"


def test_a_count_is_made_of_the_rows() -> None:
    found = of("select count(*) as value from raw.a group by k").columns["value"]
    assert found.made_of == {Raw("a", ROWS)}


def test_an_aggregate_without_a_group_has_one_row_whatever_comes() -> None:
    sql = "select max(x) as value from raw.a where y > 1"
    assert rows(sql) == ""
    assert value(sql) == "a.* a.x a.y"
    assert rows(f"select b.x from raw.b cross join ({sql}) as one") == "b.*"
    assert "a.x" in rows(f"{sql} having max(x) > 1")


def test_a_function_that_is_not_known_may_be_an_aggregate() -> None:
    assert value("select weighted(x) as value from raw.a where y > 1") == "a.* a.x a.y"


def test_a_window_depends_on_its_partition_its_order_and_the_rows() -> None:
    sql = "select sum(x) over (partition by k order by y) as value from raw.a"
    found = of(sql).columns["value"]
    assert _short(found.depends) == "a.* a.k a.x a.y"
    assert _short(found.made_of) == "a.x"


def test_qualify_decides_rows() -> None:
    sql = "select x from raw.a qualify row_number() over (partition by k order by y) = 1"
    assert rows(sql) == "a.* a.k a.y"


def test_a_limit_hangs_on_everything_that_may_order_the_rows() -> None:
    assert rows("select x from raw.a order by y limit 10") == "a.* a.k a.x a.y"
    assert rows("select x from raw.a order by y") == "a.*"


def test_distinct_decides_rows_by_every_column() -> None:
    assert rows("select distinct x, y from raw.a") == "a.* a.x a.y"


def test_what_hangs_on_the_order_of_the_rows_hangs_on_every_column() -> None:
    assert value("select first(x) as value from raw.a group by k") == "a.* a.k a.x a.y"
    ordered = "select string_agg(x, ',' order by x) as value from raw.a group by k"
    assert value(ordered) == "a.* a.k a.x"


def test_a_union_adds_up_by_the_place_of_columns() -> None:
    sql = "select x as value from raw.a union all select z from raw.b"
    assert value(sql) == "a.x b.z"
    assert rows(sql) == "a.* b.*"
    assert rows("select x from raw.a union select z from raw.b") == "a.* a.x b.* b.z"
    assert rows("select x from raw.a except select z from raw.b") == "a.* a.x b.* b.z"


def test_a_filter_on_a_constant_tells_the_branches_of_a_union_apart() -> None:
    both = (
        "with both as (select k, 'a' as part from raw.a union all "
        "select k, 'b' as part from raw.b), again as (select * from both) "
    )
    assert rows(f"{both} select k from again where part = 'a'") == "a.*"
    assert rows(f"{both} select k from again where part <> 'a'") == "a.* b.*"
    assert rows(f"{both} select k from again where part = 'a' or k > 1") == "a.* a.k b.* b.k"
    count = f"{both} select count(*) as value from again where part = 'b' group by k"
    assert value(count) == "b.* b.k"


@pytest.mark.parametrize(
    "sql",
    [
        "select this is no sql (((",
        "select x from raw.unknown",
        "select x from unknown",
        "select nothing from raw.a",
        "select c.x from raw.a",
        "select x from raw.a group by all",
        "select columns('x.*') from raw.a",
        "select x from read_parquet('somewhere')",
        "select x from raw.a natural join raw.b",
        "select a.x from raw.a asof join raw.b on a.k >= b.k",
        "select x from raw.a using sample 10",
        "select unnest(x) as x, t.y from raw.a, unnest(a.x) as t(y)",
        "with recursive r as (select k from raw.a union all select k from r) select k from r",
        "select * replace (x + 1 as x) from raw.a",
        "select x, x from raw.a",
        "select k from raw.a union all by name select k from raw.b",
        "pivot raw.a on x using sum(y)",
        "delete from raw.a",
        "select * from raw.seed union all select k, x from raw.a",
    ],
)
def test_what_is_not_understood_is_not_guessed(sql: str) -> None:
    with pytest.raises(Untraceable):
        of(sql)


def test_columns_turned_into_rows_depend_on_each_other() -> None:
    sql = "select k, name, number as value from raw.a unpivot (number for name in (x, y))"
    assert rows(sql) == "a.* a.x a.y"
    assert value(sql) == "a.x a.y"
    assert value(sql, "k") == "a.k"


@pytest.mark.parametrize("turned", ["pivot (sum(x) for y in (1, 2))", "unpivot (n for m in (q))"])
def test_a_pivot_that_is_not_understood_is_not_guessed(turned: str) -> None:
    with pytest.raises(Untraceable):
        of(f"select * from raw.a {turned}")
