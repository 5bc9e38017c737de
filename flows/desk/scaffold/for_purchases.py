"""Purchase history: what counts goes into staging, and the client's own totals become a test."""

from __future__ import annotations

import re
from typing import Any

from flows.desk.formulas import read
from flows.desk.kinds import PurchaseHistory
from flows.desk.request import ChangeRequest
from flows.desk.scaffold import data_test, unit_test
from flows.desk.scaffold.model_text import CLAUSE, Model
from flows.desk.scaffold.project import Project
from flows.desk.scaffold.templates import filled
from flows.desk.worked import which_count


def write(request: ChangeRequest, purchases: PurchaseHistory, project: Project) -> None:
    """Write the condition into the staging model, and the examples and totals as tests."""
    staging = project.staging_of(purchases.table)
    if staging is None:
        project.leave("models/staging", f"which model reads {purchases.table}")
        return
    sql = project.find(staging)
    _filter(request, purchases, sql, project)
    unit_test.add(project, sql, _test(request, purchases, staging))
    _reconcile(request, purchases, project)
    project.leave(
        sql,
        f"whether what {request.id} says of tax, shipping, discounts, gift cards, returns and "
        "cancelled orders asks for more than its condition and its amount",
    )


def _filter(request: ChangeRequest, purchases: PurchaseHistory, sql: str, project: Project) -> None:
    model = Model(project.read(sql))
    body = model.body("final")
    condition = read(purchases.counts_when).sql
    told = f"{CLAUSE}-- what counts as a purchase: {request.id}\n"
    if re.search(rf"^{CLAUSE}where\b", body, re.MULTILINE):
        project.leave(sql, f"its where has conditions already: and {condition}, by {request.id}")
        return
    changed = f"{body.rstrip()}\n{told}{CLAUSE}where ({condition})\n\n"
    project.rewrite(sql, model.text.replace(body, changed))


def _test(request: ChangeRequest, purchases: PurchaseHistory, staging: str) -> dict[str, Any]:
    rows = unit_test.rows_of(purchases.examples, {})
    counted = [
        {"net_amount": unit_test.typed(row["expected"] or "0")}
        for row, counts in zip(purchases.examples, which_count(purchases), strict=True)
        if counts
    ]
    return unit_test.unit_test(
        f"what_is_a_purchase_is_what_{request.id.lower().replace('-', '_')}_shows",
        f"The examples of {request.id}: what counts, and for how much.",
        staging,
        {f"source('raw', '{purchases.table}')": rows},
        counted,
    )


def _reconcile(request: ChangeRequest, purchases: PurchaseHistory, project: Project) -> None:
    number = request.id.lower().replace("-", "_")
    sql = filled("reconciliation.sql", request=request.id, totals=purchases.reconciliation)
    name = f"purchases_reconcile_with_the_books_of_{number}"
    says = f"Warns of days, named in {request.id}, of which the client's books say otherwise."
    data_test.add(project, name, sql, says)
