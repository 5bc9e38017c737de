"""What the ledger knows of the deliveries of a table, and the row that each new one adds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from flows.intake.columns import Drift
from flows.ledger import Ledger, Row, builds, corrections, deliveries, drifts, findings, now, pins

if TYPE_CHECKING:
    from flows.contracts.checks import Finding

# A table that did not come is looked for again on the following nights, so many.
LOOKED_FOR_DAYS = 7
# The states of a delivery that has a batch.
HELD = ("arrived", "out_of_band")


def last_good(ledger: Ledger, table: str, day: dt.date) -> dt.date | None:
    """Return the business date of a table's newest accepted delivery up to a date, or None."""
    query = sa.select(sa.func.max(deliveries.c.business_date).label("newest")).where(
        deliveries.c.table_name == table, deliveries.c.taken, deliveries.c.business_date <= day
    )
    newest: dt.date | None = (ledger.row(query) or {}).get("newest")
    return newest


def held(ledger: Ledger, table: str, day: dt.date) -> Row | None:
    """Return the newest delivery of a date that has a batch, used or out of its band, or None."""
    query = _of(table, day).where(deliveries.c.state.in_(HELD))
    return ledger.row(query.order_by(deliveries.c.version.desc()))


def accepted_delivery(ledger: Ledger, table: str, day: dt.date) -> dict[str, Any] | None:
    """Return the newest accepted delivery of a table for a date, or None."""
    query = _of(table, day).where(deliveries.c.taken).order_by(deliveries.c.version.desc())
    found = ledger.row(query)
    return dict(found) if found else None


def last_snapshot(ledger: Ledger, table: str, day: dt.date) -> tuple[dt.date, int] | None:
    """Return date and version of the newest snapshot taken before a date, or None."""
    query = (
        sa.select(deliveries)
        .where(deliveries.c.table_name == table, deliveries.c.taken)
        .where(deliveries.c.business_date < day)
        .order_by(deliveries.c.business_date.desc(), deliveries.c.version.desc())
    )
    found = ledger.row(query)
    return (found["business_date"], int(found["version"])) if found else None


def next_version(ledger: Ledger, table: str, day: dt.date) -> int:
    """Return the number that the next delivery of a date gets: one more than the last."""
    found = ledger.row(_of(table, day).order_by(deliveries.c.version.desc()))
    return 1 if found is None else int(found["version"]) + 1


def date_of_same_bytes(ledger: Ledger, table: str, day: dt.date, sha256: str) -> dt.date | None:
    """Return the other date for which the same bytes, with rows in them, were taken, or None."""
    query = sa.select(deliveries.c.business_date).where(
        deliveries.c.table_name == table,
        deliveries.c.sha256 == sha256,
        deliveries.c.taken,
        deliveries.c.rows_delivered > 0,
        deliveries.c.business_date != day,
    )
    found = ledger.row(query)
    return found["business_date"] if found else None


def same_weekdays(ledger: Ledger, table: str, day: dt.date, weeks: int) -> list[int]:
    """Return how many rows were accepted on the same weekday of each of the last weeks."""
    dates = [day - dt.timedelta(weeks=week) for week in range(1, weeks + 1)]
    query = (
        sa.select(deliveries.c.business_date, deliveries.c.rows_accepted)
        .where(deliveries.c.table_name == table, deliveries.c.taken)
        .where(deliveries.c.business_date.in_(dates), deliveries.c.is_initial.is_(False))
        .order_by(deliveries.c.version)
    )
    newest = {row["business_date"]: int(row["rows_accepted"]) for row in ledger.rows(query)}
    return list(newest.values())


def still_missing(ledger: Ledger, table: str, day: dt.date) -> list[dt.date]:
    """Return the last dates before `day` on which a table did not come, and has not come since."""
    since = day - dt.timedelta(days=LOOKED_FOR_DAYS)
    query = sa.select(deliveries).where(
        deliveries.c.table_name == table,
        deliveries.c.business_date >= since,
        deliveries.c.business_date < day,
    )
    rows = ledger.rows(query.order_by(deliveries.c.business_date, deliveries.c.version))
    newest = {row["business_date"]: row["state"] for row in rows}
    taken = {row["business_date"] for row in rows if row["taken"]}
    return [date for date, state in newest.items() if state == "missing" and date not in taken]


def first_gap(ledger: Ledger, table: str, day: dt.date) -> dt.date | None:
    """Return the first date before `day` of which nothing was ever taken, though it was awaited."""
    query = sa.select(deliveries.c.business_date, deliveries.c.taken, deliveries.c.is_initial)
    rows = ledger.rows(
        query.where(deliveries.c.table_name == table, deliveries.c.business_date < day)
    )
    taken = {row["business_date"] for row in rows if row["taken"]}
    # An initial delivery holds all that came before it.
    since = max((row["business_date"] for row in rows if row["is_initial"]), default=dt.date.min)
    open_ones = {row["business_date"] for row in rows} - taken
    return min((date for date in open_ones if date > since), default=None)


def published_without(ledger: Ledger, table: str, day: dt.date) -> bool:
    """True when a date was published without a table, which has not been taken in since."""
    query = (
        sa.select(pins.c.state)
        .join(builds, builds.c.build_id == pins.c.build_id)
        .where(builds.c.business_date == day, builds.c.state == "published")
        .where(pins.c.table_name == table, pins.c.state == "missing")
    )
    return ledger.row(query) is not None and held(ledger, table, day) is None


def withdraw_refused(ledger: Ledger, table: str, day: dt.date, after_version: int) -> None:
    """Mark what was sent after a version and refused: it is not what the table is now."""
    mine = sa.and_(
        deliveries.c.table_name == table,
        deliveries.c.business_date == day,
        deliveries.c.version > after_version,
        ~deliveries.c.taken,
    )
    ledger.change(deliveries, mine, state="withdrawn")


def write_late(ledger: Ledger, table: str, day: dt.date, sentence: str) -> None:
    """Write down, once, that a table is not here at the time by which it was promised."""
    query = _of(table, day).where(deliveries.c.state == "late")
    if ledger.row(query) is None:
        version = next_version(ledger, table, day)
        values = {"table_name": table, "business_date": day, "version": version}
        record(ledger, values | {"state": "late", "sentence": sentence})


def use(ledger: Ledger, table: str, day: dt.date, *, used: bool) -> None:
    """Let the newest batch of a date, which is out of its band, be pinned, or not."""
    found = held(ledger, table, day)
    if found is not None:
        ledger.change(deliveries, deliveries.c.id == found["id"], taken=used)


def came_again(ledger: Ledger, delivery_id: int) -> None:
    """Write down that the bytes of a delivery were sent once more; they were ignored."""
    ledger.change(deliveries, deliveries.c.id == delivery_id, came_again_at=now())


def outcomes(ledger: Ledger, delivery_id: int) -> list[str]:
    """Return how each check of a delivery ended."""
    query = sa.select(findings.c.outcome).where(findings.c.delivery_id == delivery_id)
    return [row["outcome"] for row in ledger.rows(query)]


def record(
    ledger: Ledger,
    values: dict[str, Any],
    found: Sequence[Finding] = (),
    drifted: Sequence[Drift] = (),
    correction: Mapping[str, Any] | None = None,
) -> None:
    """Write one delivery, what its checks found, how it drifted, and who corrected the one before.

    All in one transaction.
    """
    with ledger.write() as connection:
        key = connection.execute(
            sa.insert(deliveries).values(**values, received_at=now())
        ).inserted_primary_key
        delivery_id = key[0] if key else None
        for finding in found:
            connection.execute(
                sa.insert(findings).values(
                    delivery_id=delivery_id,
                    expectation=finding.expectation,
                    column_name=finding.column,
                    severity=finding.severity,
                    outcome=finding.outcome,
                    failing_rows=finding.failing_rows,
                    observed=finding.observed,
                )
            )
        for drift in drifted:
            connection.execute(
                sa.insert(drifts).values(
                    delivery_id=delivery_id,
                    kind=drift.kind,
                    column_name=drift.column,
                    sentence=drift.detail,
                    refused=drift.refused,
                )
            )
        if correction:
            connection.execute(sa.insert(corrections).values(**correction, made_at=now()))


def _of(table: str, day: dt.date) -> sa.Select[Any]:
    return sa.select(deliveries).where(
        deliveries.c.table_name == table, deliveries.c.business_date == day
    )
