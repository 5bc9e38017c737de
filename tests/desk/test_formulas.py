"""What a client may type as an expression, and what it is run in."""

from __future__ import annotations

import pytest

from flows.desk.formulas import NotAnExpression, read, sealed, write_sheet


@pytest.mark.parametrize(
    ("text", "written", "columns"),
    [
        ("COUNT(*)", "count(*)", set()),
        ("Sum(net) / NULLIF(count(distinct ID), 0)", None, {"net", "id"}),
        ("case when A > 1 then 'Big' else lower(b) end", None, {"a", "b"}),
        (
            "not is_bot and kind in ('A', 'B')",
            "not is_bot and kind in ('A', 'B')",
            {"is_bot", "kind"},
        ),
        ("x::integer", "cast(x as int)", {"x"}),
    ],
)
def test_an_expression_is_written_as_the_house_writes_it(
    text: str, written: str | None, columns: set[str]
) -> None:
    found = read(text)

    assert found.columns == columns
    assert written is None or found.sql == written
    assert read(found.sql) == found


@pytest.mark.parametrize(
    "text",
    [
        *("", "1; drop table given", "count(*) from given", "(select max(x) from given)"),
        *("read_csv('/etc/passwd')", "getenv('HOME')", "current_date", "random()", "now()"),
        *("given.x", "x as y", "sum(x) over ()", "*", "columns('.*')", "x -> 'a'", "list(x)"),
        *("regexp_matches(x, 'a')", "pg_read_file('x')", "exists (select 1)", "x[1]", "{'a': x}"),
        *("$1", "?", "x from read_parquet('s3://there/*')", "union select 1", "'" * 3),
        "(" * 3000 + "x" + ")" * 3000,
    ],
)
def test_nothing_else_is_read(text: str) -> None:
    with pytest.raises(NotAnExpression):
        read(text)


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/passwd')",
        "copy (select 1) to '/tmp/out.csv'",
        "attach '/tmp/other.duckdb'",
        "set enable_external_access = true",
        "install httpfs",
    ],
)
def test_where_it_is_run_nothing_can_be_reached(sql: str) -> None:
    with pytest.raises(NotAnExpression, match="cannot be run"), sealed() as connection:
        connection.execute(sql)


def test_what_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.desk.formulas.SECONDS", 0.2)
    endless = "select count(*) from range(100000000000) as a(x) where hash(x) = 1"

    with pytest.raises(NotAnExpression, match="did not end"), sealed() as connection:
        connection.execute(endless)


def test_an_error_quotes_no_value() -> None:
    with pytest.raises(NotAnExpression) as refused, sealed() as connection:
        write_sheet(connection, [{"x": "a secret"}], {"x": "integer"})

    assert "secret" not in str(refused.value)


def test_a_column_has_the_first_type_that_all_its_texts_fit() -> None:
    rows = [
        {"a": "1", "b": "1.5", "c": "2017-11-20", "d": "true", "e": "x", "f": ""},
        {"a": "", "b": "2", "c": "", "d": "false", "e": "1", "f": ""},
    ]
    with sealed() as connection:
        write_sheet(connection, rows, {})
        found = connection.execute("describe given").fetchall()

    types = {row[0]: row[1].split("(")[0] for row in found}
    assert [types[name] for name in "abcde"] == ["BIGINT", "DECIMAL", "DATE", "BOOLEAN", "VARCHAR"]
