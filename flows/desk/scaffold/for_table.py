"""A new table: its contract, its place in a source, its staging model, its examples as tests."""

from __future__ import annotations

from typing import Any

from flows.desk.asked import EXPECTED, Column
from flows.desk.kinds import NewTable
from flows.desk.promised import contract_text, source_of_table
from flows.desk.request import ChangeRequest
from flows.desk.scaffold import unit_test, yaml_text
from flows.desk.scaffold.project import BENCHMARK, NO_GENERATOR, Project
from flows.desk.scaffold.templates import filled
from flows.desk.written import written

BATCH_DATE = "batch_date"
# In what order a staging model has its columns, and under which words.
GROUPS = ("keys", "descriptive", "flags", "numbers", "times")


def write(request: ChangeRequest, table: NewTable, project: Project) -> None:
    """Write what a new table needs until a model reads it."""
    decided_on = request.wanted_on
    contract = source_of_table(table, decided_on, request.about_consent)
    project.create(f"expectations/{table.name}.yml", contract_text(contract))
    _declare(table, project)
    _stage(request, table, project)
    project.leave_to_others(BENCHMARK, [table.name], NO_GENERATOR)


def staged_name(column: str, table: NewTable) -> str:
    """Return what a column is called from staging on: our words, where there are any."""
    return "customer_id" if column == table.customer_column else column


def _declare(table: NewTable, project: Project) -> None:
    name = f"sources/{table.source}.yml"
    entry = {table.name: _place(table)}
    if project.has(name):
        text = project.read(name).rstrip()
        project.rewrite(name, f"{text}\n{yaml_text.indented(entry, 2)}")
        return
    variable = f"${{{table.source.upper()}_URL}}"
    told = {
        "kind": table.source_kind,
        "description": f"Where {table.name} comes from; run by {table.owner}.",
        **({"store": "{deliveries}"} if table.source_kind == "files" else {"url": variable}),
        "tables": entry,
    }
    project.create(name, written(told))
    project.leave(name, "how the source is reached, and with which variables of the environment")


def _place(table: NewTable) -> dict[str, Any]:
    if table.source_kind == "files":
        packed = {"compression": table.compression} if table.compression else {}
        csv = {"delimiter": table.delimiter} if table.delimiter != "," else {}
        encoded = {"encoding": table.encoding} if table.encoding != "utf-8" else {}
        return {"path": table.location, "format": table.format, **packed, **csv, **encoded}
    where = "path" if table.source_kind == "api" else "relation"
    since = {"changed_since": table.changed_since} if table.changed_since else {}
    return {where: table.location, **since}


def _stage(request: ChangeRequest, table: NewTable, project: Project) -> None:
    groups: dict[str, list[str]] = {group: [] for group in GROUPS}
    entries = []
    for column in table.columns:
        name = staged_name(column.name, table)
        groups[_group(column, table)].append(_selected(column, name))
        entries.append(_entry(column, name))
    sql = f"models/staging/stg_{table.name}.sql"
    project.create(sql, filled("staging.sql", table=table.name, groups=groups))
    head = [
        "models:",
        f"  - name: stg_{table.name}",
        f"    description: One row per {table.one_row} ({request.id}).",
        "    columns:",
    ]
    batch = yaml_text.column(BATCH_DATE)
    project.create(sql.replace(".sql", ".yml"), "\n".join(head) + "\n" + "".join(entries) + batch)
    unit_test.add(project, sql, _test(request, table))


def _selected(column: Column, name: str) -> str:
    return column.name if column.name == name else f"{column.name} as {name}"


def _group(column: Column, table: NewTable) -> str:
    if column.name in (*table.key, table.customer_column) or column.name.endswith("_id"):
        return "keys"
    kind = column.data_type.split("(")[0]
    by_type = {"boolean": "flags", "date": "times", "timestamp": "times", "varchar": "descriptive"}
    return by_type.get(kind, "numbers")


def _entry(column: Column, name: str) -> str:
    if name == "customer_id":
        return yaml_text.column(name, says="{{ doc('recorded_customer_id') }}")
    return yaml_text.column(name, says=column.sentence)


def _test(request: ChangeRequest, table: NewTable) -> dict[str, Any]:
    types = {column.name: column.data_type for column in table.columns}
    rows = unit_test.rows_of(
        [row for row in table.examples if row[EXPECTED].lower() == "accepted"], types
    )
    staged = [{staged_name(name, table): value for name, value in row.items()} for row in rows]
    return unit_test.unit_test(
        f"the_examples_of_{request.id.lower().replace('-', '_')}_are_staged",
        f"What {request.id} shows as accepted, in our words.",
        f"stg_{table.name}",
        {f"source('raw', '{table.name}')": rows},
        staged,
    )
