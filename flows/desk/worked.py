"""The examples of a request, worked out by what it asks for: does that come to what is expected?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from flows.desk.asked import EXPECTED, Kind
from flows.desk.formulas import Formula, NotAnExpression, read, sealed, write_sheet
from flows.desk.kinds import ActivityHistory, CustomerAttribute, PurchaseHistory

Types = Mapping[str, str]
CUSTOMER = "customer_id"
UNKNOWN = ("unknown", "null")
COUNTS, DOES_NOT = "counts", "does not count"
PLACES = 4  # of amounts that are compared


@dataclass(frozen=True)
class Result:
    """What is asked for comes to in one example, and what was expected; None for unknown."""

    whose: str
    expected: str | None
    found: str | None

    @property
    def is_as_expected(self) -> bool:
        """True when both are the same value."""
        return self.expected == self.found


def expected_of(attribute: CustomerAttribute) -> dict[str, str | None]:
    """Return the value that the examples expect for each customer; None for unknown.

    Raises:
        NotAnExpression: when they expect none, or two, for a customer.
    """
    told: dict[str, set[str]] = {}
    for row in attribute.examples:
        said = told.setdefault(row[CUSTOMER], set())
        said |= {row[EXPECTED]} if row[EXPECTED] else set()
    for customer, values in told.items():
        if len(values) != 1:
            many = "two values" if values else "no value"
            raise NotAnExpression(f"expect {many} for customer {customer}")
    found = {customer: values.pop() for customer, values in told.items()}
    return {c: None if value.lower() in UNKNOWN else value for c, value in found.items()}


def of_attribute(attribute: CustomerAttribute, types: Types) -> list[Result]:
    """Return what the formula comes to for each customer of the examples.

    Args:
        attribute: what is asked for.
        types: the types of the input's columns, as far as they are known.

    Raises:
        NotAnExpression: when it cannot be worked out.
    """
    expected = expected_of(attribute)
    formula = read(attribute.formula)
    kept = read(attribute.only_rows).sql if attribute.only_rows else "true"
    value = f"round({formula.sql}, {attribute.decimals})" if attribute.decimals else formula.sql
    nothing = "0" if attribute.when_nothing == "zero" else "null"
    kind = attribute.data_type
    with sealed() as connection:
        rows = [_without_expected(row) for row in attribute.examples]
        write_sheet(connection, rows, types)
        grouped = "group by all" if formula.is_aggregate else ""
        connection.execute(
            f"create table worked as select {CUSTOMER}, cast({value} as {kind}) as value "
            f"from given where ({kept}) and {_window(attribute)} {grouped}"
        )
        asked = list(expected.items())
        connection.execute("create table expected (whose varchar, value varchar)")
        connection.executemany("insert into expected values (?, ?)", asked)
        found = connection.execute(
            f"select whose, cast(cast(expected.value as {kind}) as varchar), "
            f"cast(coalesce(worked.value, cast({nothing} as {kind})) as varchar) "
            f"from expected left join worked on cast(worked.{CUSTOMER} as varchar) = whose "
            "order by whose"
        ).fetchall()
    return [Result(*row) for row in found]


def of_activity(activity: ActivityHistory, types: Types) -> list[Result]:
    """Return for each event of the examples whether it counts: once, and not left out.

    Raises:
        NotAnExpression: when it cannot be worked out.
    """
    left_out = read(activity.left_out).sql if activity.left_out else "false"
    key = ", ".join(activity.dedupe_key)
    with sealed() as connection:
        write_sheet(connection, [_without_expected(row) for row in activity.examples], types)
        found = connection.execute(
            f"select ({left_out}) is not true and row_number() over (partition by {key}, "
            f"({left_out}) is true order by {activity.time_column}, row_number_given) = 1 "
            "from given order by row_number_given"
        ).fetchall()
    said = [COUNTS if counts else DOES_NOT for (counts,) in found]
    return list(_row_by_row([row[EXPECTED].lower() for row in activity.examples], said))


def of_purchases(purchases: PurchaseHistory, types: Types) -> list[Result]:
    """Return for each line of the examples the amount that it counts for.

    Raises:
        NotAnExpression: when it cannot be worked out.
    """
    counts, amount = read(purchases.counts_when), read(purchases.amount)
    with sealed() as connection:
        write_sheet(connection, [_without_expected(row) for row in purchases.examples], types)
        found = connection.execute(
            f"select cast(round(case when {counts.sql} then {amount.sql} else 0 end, {PLACES}) "
            f"as decimal(18, {PLACES})) from given order by row_number_given"
        ).fetchall()
        expected = [_amount(connection, row[EXPECTED]) for row in purchases.examples]
    return list(_row_by_row(expected, [str(value) for (value,) in found]))


def which_count(purchases: PurchaseHistory) -> list[bool]:
    """Return for each line of the examples whether it is a purchase at all."""
    with sealed() as connection:
        write_sheet(connection, [_without_expected(row) for row in purchases.examples], {})
        found = connection.execute(
            f"select ({read(purchases.counts_when).sql}) is true from given "
            "order by row_number_given"
        ).fetchall()
    return [bool(counts) for (counts,) in found]


def formulas_of(part: Kind) -> Iterator[tuple[str, Formula]]:
    """Give every expression of a part with the name of its field.

    Raises:
        NotAnExpression: for the first that is none.
    """
    for name in ("formula", "only_rows", "left_out", "counts_when", "amount"):
        text = getattr(part, name, "")
        if text:
            yield name, read(text)


def _amount(connection: duckdb.DuckDBPyConnection, text: str) -> str:
    query = f"select cast(cast(? as decimal(18, {PLACES})) as varchar)"
    return str(connection.execute(query, [text or "0"]).fetchall()[0][0])


def _row_by_row(expected: Sequence[str], found: Sequence[str]) -> Iterator[Result]:
    pairs = zip(expected, found, strict=True)
    return (Result(f"row {n}", *pair) for n, pair in enumerate(pairs, start=1))


def _window(attribute: CustomerAttribute) -> str:
    if attribute.window_days is None:
        return "true"
    day, last = f"cast({attribute.window_column} as date)", f"date '{attribute.example_date}'"
    return f"{day} > {last} - {attribute.window_days} and {day} <= {last}"


def _without_expected(row: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in row.items() if name != EXPECTED}
