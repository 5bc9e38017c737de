"""Columns more in a table: in its contract, its staging model, and the tests of both."""

from __future__ import annotations

from flows.desk.kinds import AddedColumns
from flows.desk.promised import column_of
from flows.desk.request import ChangeRequest
from flows.desk.scaffold import yaml_text
from flows.desk.scaffold.model_text import ITEM, Model
from flows.desk.scaffold.project import BENCHMARK, NO_GENERATOR, Project
from flows.errors import RequestWrong

LINEAGE = "-- lineage"


def write(request: ChangeRequest, added: AddedColumns, project: Project) -> None:
    """Write the columns into contract and staging model."""
    contract = _contract(added.table, project)
    entries = [column_of(column) for column in added.columns]
    text = project.read(contract)
    project.rewrite(contract, f"{text.rstrip()}\n{yaml_text.indented(entries, 8)}")
    _stage(request, added, project)
    names = [f"{added.table}.{each.name}" for each in added.columns]
    project.leave_to_others(BENCHMARK, names, NO_GENERATOR)
    if added.history == "redelivered":
        project.leave(
            contract,
            f"the client sends {added.table} once more from {added.redelivered_from} on: "
            f"scv receive {added.table} DATE, for each date, before the release",
        )


def _contract(table: str, project: Project) -> str:
    named = f"expectations/{table}.yml"
    if project.has(named) and project.read(named).count("\n      - name: ") == 1:
        return named
    raise RequestWrong(f"{named} is not the contract of {table} alone, and cannot be added to.")


def _stage(request: ChangeRequest, added: AddedColumns, project: Project) -> None:
    staging = project.staging_of(added.table)
    if staging is None:
        project.leave("models/staging", f"which model reads {added.table}, and gets the columns")
        return
    sql = project.find(staging)
    model = Model(project.read(sql))
    names = [column.name for column in added.columns]
    lines = ["", f"{ITEM}-- asked for by {request.id}", *(f"{ITEM}{name}," for name in names)]
    project.rewrite(sql, _before_lineage(model.text, lines))
    properties = sql.replace(".sql", ".yml")
    text = project.read(properties)
    last = yaml_text.columns_of(text)[-1]
    before = yaml_text.columns_of(text)[-2] if last == "batch_date" else last
    for column in reversed(added.columns):
        entry = yaml_text.column(column.name, says=column.sentence)
        text = yaml_text.with_column(text, entry, before)
    project.rewrite(properties, text)


def _before_lineage(sql: str, lines: list[str]) -> str:
    place = sql.rindex(f"\n{ITEM}{LINEAGE}") if LINEAGE in sql else -1
    if place < 0:
        return Model(sql).with_column([lines[1], lines[2].rstrip(",")]).text
    return sql[:place].rstrip("\n") + "\n" + "\n".join(lines) + "\n" + sql[place:]
