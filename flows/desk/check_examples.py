"""The examples of a request: are they of its columns, and do they come to what is expected?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flows.desk.asked import EXPECTED, Column, Kind
from flows.desk.findings import Finding
from flows.desk.formulas import NotAnExpression
from flows.desk.kinds import AddedColumns, NewTable
from flows.desk.known import Known, columns_of
from flows.desk.promised import column_of, contract_of
from flows.desk.rehearsal import ROW, DeliveryRefused, rehearse_rows, rows_aside
from flows.desk.request import ChangeRequest
from flows.desk.worked import Result, of_activity, of_attribute, of_purchases

ACCEPTED, SET_ASIDE = "accepted", "set aside"


def work_out(request: ChangeRequest, known: Known) -> list[Finding]:
    """Return the examples that do not come to what they expect, by the formulas of the request."""
    found: list[Finding] = []
    for kind in request.asked:
        types = columns_of(kind, request, known)
        try:
            results = _worked(request, kind, types)
        except NotAnExpression as error:
            found.append(Finding(f"{kind}.examples", str(error)))
            continue
        found += [_differs(kind, each) for each in results if not each.is_as_expected]
    return found


def take_in(request: ChangeRequest) -> list[Finding]:
    """Return the examples of tables that a night would not treat as they expect."""
    found: list[Finding] = []
    if request.new_table is not None:
        found += _taken_in("new_table", request.new_table)
    if request.columns is not None:
        found += _taken_in("columns", request.columns)
    return found


def _worked(request: ChangeRequest, kind: str, types: Mapping[str, str]) -> list[Result]:
    match kind:
        case "attribute" if request.attribute is not None:
            return of_attribute(request.attribute, types)
        case "activity" if request.activity is not None:
            return of_activity(request.activity, types)
        case "purchases" if request.purchases is not None:
            return of_purchases(request.purchases, types)
        case _:
            return []


def _differs(kind: str, result: Result) -> Finding:
    whose = result.whose if result.whose.startswith("row ") else f"customer {result.whose}"
    expected, came = (value or "unknown" for value in (result.expected, result.found))
    return Finding(f"{kind}.examples", f"{whose}: {expected} is expected, and it comes to {came}")


def _taken_in(kind: str, part: NewTable | AddedColumns) -> Iterator[Finding]:
    where = f"{kind}.examples"
    columns = {column.name: column for column in part.columns}
    unknown = sorted(set(part.examples[0]) - set(columns) - {EXPECTED})
    if isinstance(part, NewTable) and unknown:
        yield Finding(where, f"{', '.join(unknown)} is none of the columns")
        return
    odd = {row[EXPECTED].lower() for row in part.examples} - {ACCEPTED, SET_ASIDE}
    if odd:
        yield Finding(where, f"{EXPECTED} is '{ACCEPTED}' or '{SET_ASIDE}' in each row")
        return
    shown = [column for name, column in columns.items() if name in part.examples[0]]
    if not shown:
        yield Finding(where, "show none of the columns that are asked for")
        return
    try:
        yield from _rehearsed(where, part, shown)
    except DeliveryRefused as error:
        yield Finding(where, f"could not be taken in: {error}")


def _rehearsed(where: str, part: Kind, shown: list[Column]) -> Iterator[Finding]:
    names = [column.name for column in shown]
    rows = [
        {ROW: str(number), **{name: row[name] for name in names}}
        for number, row in enumerate(part.examples, start=1)
    ]
    found = rehearse_rows(contract_of(_of_examples(shown)), rows)
    aside = rows_aside(found)
    for number, row in enumerate(part.examples, start=1):
        came = SET_ASIDE if number in aside else ACCEPTED
        if came != row[EXPECTED].lower():
            yield Finding(where, f"row {number}: {row[EXPECTED]} is expected, and it is {came}")


def _of_examples(columns: list[Column]) -> dict[str, object]:
    """A contract of the shown columns and a row's number: what one row alone can break."""
    number = {"name": ROW, "data_type": "bigint", "description": "Which example it is."}
    # Of a key, too, an empty value is set aside here: there is no delivery that could be refused.
    filled = [column_of(column) for column in columns]
    meta = {
        "owner": "examples",
        "grain": ROW,
        "load": "full",
        "if_missing": "notify_only",
        "stale_limit_days": 0,
        "because": "examples",
        "decided_by": "examples",
        "decided_on": "2000-01-01",
        "review_by": "2000-01-01",
        "ready_by": "00:00",
        "wait_until": "00:00",
        "deliveries": "daily",
        "source": "examples",
        "max_quarantined_share": 1,
    }
    return {
        "name": "examples",
        "description": "One row per example.",
        "config": {"meta": meta},
        "columns": [number, *filled],
    }
