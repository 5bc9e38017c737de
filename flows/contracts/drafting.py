"""A first contract from a sample: types, keys, ranges. What only a person can decide is left open.

The draft does not pass `scv check` until somebody has filled in who decided what and why.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

import duckdb
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

# A key or a column that is always filled, seen in fewer rows than this, proves nothing yet.
FEW_ROWS = 100
MOST_KEY_COLUMNS = 3
KINDS = ("bigint", "decimal(18,4)", "date", "timestamp", "boolean")


@dataclass(frozen=True)
class Guess:
    """What a sample says of one column."""

    name: str
    data_type: str
    is_filled: bool
    is_unique: bool
    lowest: str | None = None
    highest: str | None = None


def guess(
    connection: duckdb.DuckDBPyConnection, relation: str, forms: dict[str, str]
) -> list[Guess]:
    """Return what the rows of a relation say of its columns.

    Args:
        connection: where the relation is.
        relation: the sample.
        forms: for each of `KINDS` the regular expression that its texts fit.
    """
    described = connection.execute(f"describe {relation}").fetchall()
    return [_guess(connection, relation, str(row[0]), forms) for row in described]


def _guess(
    connection: duckdb.DuckDBPyConnection, relation: str, name: str, forms: dict[str, str]
) -> Guess:
    column = '"' + name.replace('"', '""') + '"'
    text = f"trim(cast({column} as varchar), ' ')"
    fits = ", ".join(
        f"bool_and(regexp_full_match({text}, ?) and ({text} = '' or "
        f"try_cast({text} as {kind}) is not null))"
        for kind in KINDS
    )
    told = connection.execute(
        f"select count(*), count(nullif({text}, '')), count(distinct {text}), {fits} "
        f"from {relation}",
        [forms[kind] + "|" for kind in KINDS],
    ).fetchall()[0]
    rows, filled, different = told[:3]
    kind = "varchar"
    if filled:
        kind = next((k for k, fit in zip(KINDS, told[3:], strict=True) if fit), "varchar")
    lowest, highest = None, None
    # No text of a customer's goes into a draft, and no number that names one.
    if kind.startswith(("bigint", "decimal", "date")) and different < rows:
        value = f"try_cast({text} as {kind})"
        found = connection.execute(
            f"select min({value})::varchar, max({value})::varchar from {relation}"
        ).fetchall()
        lowest, highest = found[0]
    return Guess(name, kind, filled == rows > 0, different == rows > 0, lowest, highest)


def keys_of(
    connection: duckdb.DuckDBPyConnection, relation: str, guesses: Sequence[Guess]
) -> list[str]:
    """Return the fewest columns that name a row of the sample, or all that are always filled."""
    candidates = [g.name for g in guesses if g.is_filled and not g.data_type.startswith("decimal")]
    for size in range(1, MOST_KEY_COLUMNS + 1):
        for names in itertools.combinations(candidates, size):
            columns = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
            twice = connection.execute(
                f"select 1 from {relation} group by {columns} having count(*) > 1 limit 1"
            ).fetchall()
            if not twice:
                return list(names)
    return candidates


def draft(table: str, source: str, load: str, guesses: Sequence[Guess], keys: list[str]) -> str:
    """Return the YAML of a contract, to be finished by a person."""
    yaml, text = YAML(), StringIO()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 100
    unique = "expect_compound_columns_to_be_unique"
    proof = {"type": unique, "kwargs": {"column_list": keys}, "severity": "critical"}
    if len(keys) == 1:
        proof = {
            "type": "expect_column_values_to_be_unique",
            "kwargs": {"column": keys[0]},
            "severity": "critical",
        }
    meta = {
        "owner": "",
        "grain": ", ".join(keys),
        "load": load,
        "if_missing": "hold_all",
        "stale_limit_days": 0,
        "because": "",
        "decided_by": "",
        "decided_on": None,
        "review_by": None,
        # Quoted: to YAML 1.1, which dbt reads, 05:00 is the number 300.
        "ready_by": DoubleQuotedScalarString("05:00"),
        "wait_until": DoubleQuotedScalarString("07:00"),
        "deliveries": "daily",
        "source": source,
        "suite": [proof],
    }
    described = {
        "name": table,
        "description": "One row per …",
        "config": {"meta": meta},
        "columns": [_column(each) for each in guesses],
    }
    yaml.dump({"sources": [{"name": "raw", "schema": "raw", "tables": [described]}]}, text)
    return (
        f"# A draft from a sample of {table}: finish what is empty, read what is guessed, then\n"
        "# run `scv check`. docs/contracts.md says what each word means.\n" + text.getvalue()
    )


def _column(told: Guess) -> dict[str, Any]:
    suite: list[dict[str, Any]] = []
    if told.is_filled:
        suite.append({"type": "expect_column_values_to_not_be_null", "severity": "critical"})
    if told.lowest is not None and not told.name.endswith("_id"):
        suite.append(
            {
                "type": "expect_column_values_to_be_between",
                "kwargs": {
                    "min_value": _value(told, told.lowest),
                    "max_value": _value(told, str(told.highest)),
                },
                "severity": "info",
                "notes": "What the sample had. What is possible? Make it a warning.",
            }
        )
    column: dict[str, Any] = {"name": told.name, "data_type": told.data_type, "description": ""}
    return column | ({"config": {"meta": {"suite": suite}}} if suite else {})


def _value(told: Guess, text: str) -> int | float | str:
    if told.data_type == "bigint":
        return int(text)
    return float(text) if told.data_type.startswith("decimal") else text
