"""Activity history: events by customer and day, kept from night to night, and whose they are."""

from __future__ import annotations

import re
from typing import Any

from flows.desk.formulas import read
from flows.desk.kinds import ActivityHistory
from flows.desk.request import ChangeRequest
from flows.desk.scaffold import unit_test
from flows.desk.scaffold.project import Project
from flows.desk.scaffold.templates import filled
from flows.desk.worked import COUNTS


def write(request: ChangeRequest, activity: ActivityHistory, project: Project) -> None:
    """Write the daily roll-up of the events, and the same by the customer that a record is."""
    staging = project.staging_of(activity.table)
    if staging is None:
        project.leave("models/staging", f"a model of {activity.table}, from which to count on")
        return
    ours = project.staged_names(staging)
    for name in sorted({*_named(activity), activity.customer_column} - set(ours)):
        project.leave(project.find(staging), f"it does not pass {name} on, and this is made of it")
    _by_day(request, activity, staging, ours, project)
    _resolved(request, activity, project)


def _by_day(
    request: ChangeRequest,
    activity: ActivityHistory,
    staging: str,
    renamed: dict[str, str],
    project: Project,
) -> None:
    ours = {name: renamed.get(name, name) for name in _named(activity)}
    time = ours[activity.time_column]
    told = {
        **_told(request, activity),
        "table": activity.table,
        "staging": staging,
        "left_out": _left_out(activity, ours),
        "key": ", ".join(ours[name] for name in activity.dedupe_key),
        "time": time,
        "day": _day(activity, time),
    }
    model = f"int_{activity.event}_by_customer_day"
    path = _create(project, model, "activity_by_day", told)
    unit_test.add(project, path, _test(request, activity, model, staging, ours))


def _resolved(request: ChangeRequest, activity: ActivityHistory, project: Project) -> None:
    model = f"int_{activity.event}_resolved"
    path = _create(project, model, "activity_resolved", _told(request, activity))
    given: dict[str, list[dict[str, Any]]] = {
        f"ref('int_{activity.event}_by_customer_day')": [
            {"customer_id": 1, "event_count": 1},
            {"customer_id": 2, "event_count": 2},
        ],
        "ref('int_customers_resolved')": [{"customer_id": 2, "surviving_customer_id": 1}],
    }
    expected = [{"customer_id": 1, "event_count": 1}, {"customer_id": 1, "event_count": 2}]
    name = f"the_{activity.event}_of_a_merged_record_are_its_customers"
    says = f"Merges are those of today ({request.id})."
    unit_test.add(project, path, unit_test.unit_test(name, says, model, given, expected))


def _create(project: Project, model: str, template: str, told: dict[str, str]) -> str:
    path = f"models/intermediate/{model}.sql"
    project.create(path, filled(f"{template}.sql", **told))
    project.create(path.replace(".sql", ".yml"), filled(f"{template}.yml", **told))
    return path


def _told(request: ChangeRequest, activity: ActivityHistory) -> dict[str, str]:
    return {
        "request": request.id,
        "event": activity.event,
        "words": activity.event.replace("_", " "),
        "table": activity.table,
        "grain": activity.grain.rstrip("."),
        "zone": activity.time_zone,
    }


def _named(activity: ActivityHistory) -> list[str]:
    columns = sorted(read(activity.left_out).columns) if activity.left_out else []
    return [activity.time_column, *activity.dedupe_key, *columns]


def _left_out(activity: ActivityHistory, ours: dict[str, str]) -> str:
    if not activity.left_out:
        return ""
    said = _in_ours(read(activity.left_out).sql, ours)
    return said if said.isidentifier() else f"({said})"


def _in_ours(sql: str, ours: dict[str, str]) -> str:
    for theirs, name in ours.items():
        sql = re.sub(rf"\b{theirs}\b", name, sql)
    return sql


def _day(activity: ActivityHistory, time: str) -> str:
    if activity.time_zone == "UTC":
        return f"{{{{ local_date('{time}') }}}}"
    return f"cast({time} as date)"


def _test(
    request: ChangeRequest,
    activity: ActivityHistory,
    model: str,
    staging: str,
    ours: dict[str, str],
) -> dict[str, Any]:
    ours = {**ours, activity.customer_column: "customer_id"}
    day = "2000-01-01"
    rows = [
        {**{ours.get(name, name): value for name, value in row.items()}, "batch_date": day}
        for row in unit_test.rows_of(activity.examples, {})
    ]
    counted: dict[Any, int] = {}
    for row, example in zip(rows, activity.examples, strict=True):
        if example["expected"].lower() == COUNTS:
            counted[row["customer_id"]] = counted.get(row["customer_id"], 0) + 1
    return unit_test.unit_test(
        f"what_counts_is_what_{request.id.lower().replace('-', '_')}_shows",
        f"The examples of {request.id}, all of one day and in one delivery.",
        model,
        {f"ref('{staging}')": rows},
        [{"customer_id": customer, "event_count": n} for customer, n in counted.items()],
        is_incremental=False,
        new_batches="true",
    )
