"""The examples of a request as a unit test of dbt."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flows.desk.asked import EXPECTED
from flows.desk.scaffold.project import Project
from flows.desk.written import written

Rows = Sequence[Mapping[str, Any]]


def typed(text: str, kind: str = "") -> Any:
    """Return a cell as YAML says it: numbers and truths as such, nothing for an empty one."""
    if text == "":
        return None
    if kind.startswith("varchar"):
        return text
    if re.fullmatch(r"-?(0|[1-9]\d*)", text):
        return int(text)
    if re.fullmatch(r"-?\d+\.\d+", text):
        return float(text)
    return text.lower() == "true" if text.lower() in ("true", "false") else text


def rows_of(examples: Sequence[Mapping[str, str]], types: Mapping[str, str]) -> list[Any]:
    """Return the rows of a sheet without what they expect."""
    return [
        {name: typed(text, types.get(name, "")) for name, text in row.items() if name != EXPECTED}
        for row in examples
    ]


def unit_test(
    name: str,
    says: str,
    model: str,
    given: Mapping[str, Rows],
    expected: Rows,
    business_date: str | None = None,
    **macros: Any,
) -> dict[str, Any]:
    """Return a unit test: `given` are rows by what the model reads, `ref('…')` or `source(…)`."""
    told = {"business_date": f"date '{business_date}'"} if business_date else {}
    overrides = {"macros": {**told, **macros}}
    return {
        "name": name,
        "description": says,
        "model": model,
        **({"overrides": overrides} if overrides["macros"] else {}),
        "given": [{"input": each, "rows": list(rows)} for each, rows in given.items()],
        "expect": {"rows": list(expected)},
    }


def add(project: Project, sql: str, test: Mapping[str, Any]) -> None:
    """Put a unit test into the file beside a model."""
    name = sql.removesuffix(".sql") + "_unit_tests.yml"
    said = written({"unit_tests": [test]})
    if not project.has(name):
        project.create(name, said)
        return
    entry = said.removeprefix("unit_tests:\n")
    project.rewrite(name, f"{project.read(name).rstrip()}\n\n{entry}")
