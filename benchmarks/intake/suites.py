"""The suite of a contract by Great Expectations, against SQL that a person would write for it."""

from __future__ import annotations

from benchmarks.intake import sales
from benchmarks.intake.case import Case, Place, Work

NEVER_NULL = ("basket_id", "product_id", "household_id", "store_id", "sold_at")
BOUNDS = {
    "quantity": "between 0 and 100000",
    "sales_value": "between 0 and 5000",
    "retail_disc": ">= 0",
    "coupon_disc": ">= 0",
    "coupon_match_disc": ">= 0",
}
AGAINST = "one pass of SQL, and one group by for the grain"


def _ours(place: Place) -> Work:
    # Here, and not above: its import takes seconds in every process that lists the cases.
    from flows.contracts import checks

    connection, contract = sales.connect(place), sales.contract_of(suite=True)
    # The first suite of a process pays for imports and caches: once a night, not once a table.
    connection.execute(f"create view accepted as from '{place.table}' limit 1")
    checks.check(connection, contract)
    connection.execute(f"create or replace view accepted as from '{place.table}'")

    def work() -> None:
        found = checks.check(connection, contract)
        if any(finding.outcome != "passed" for finding in found):
            raise RuntimeError("a check did not pass")

    return work


def _bare(place: Place) -> Work:
    connection = sales.connect(place)
    failing = [f"count(*) filter (where {name} is null)" for name in NEVER_NULL]
    failing += [f"count(*) filter (where not {name} {bound})" for name, bound in BOUNDS.items()]

    def work() -> None:
        connection.execute(f"select count(*), {', '.join(failing)} from '{place.table}'").fetchall()
        connection.execute(
            f"select count(*) from (select 1 from '{place.table}' group by basket_id, product_id "
            "having count(*) > 1)"
        ).fetchall()

    return work


def cases() -> list[Case]:
    """Return the cases: as many rows as asked for, five times as many, and hardly any."""
    return [
        Case("suite", _ours, _bare, AGAINST, sales.prepare, 1, 2),
        Case("suite-large", _ours, _bare, AGAINST, sales.prepare, 5, 2),
        Case("suite-fixed", _ours, _bare, AGAINST, sales.prepare, 0.001),
    ]
