"""The deploys of an instance and of the one that goes first, each with the requests it brings."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from flows.desk.store import NUMBER
from flows.errors import SettingsWrong
from flows.ledger import (
    Ledger,
    Row,
    approvals,
    deploy_steps,
    deploys,
    publications,
    released_requests,
)
from flows.settings import Instance

QA = "qa"


@dataclass(frozen=True)
class Run:
    """One deploy.

    Args:
        row: of the ledger.
        requests: the numbers of those that it brings.
        decision: the newest of a person on its report.
        approved: its step `approve`, when that is done: what the rules say, or who.
        taken_back_at: when it was rolled back, UTC.
    """

    row: Row
    requests: frozenset[str]
    decision: Row | None
    approved: Row | None
    taken_back_at: dt.datetime | None


@dataclass(frozen=True)
class Side:
    """One instance as its ledger tells it.

    Args:
        goes_first: True where what goes live is only tried, as on QA.
        is_here: True for the instance whose pages these are.
    """

    instance: str
    goes_first: bool
    is_here: bool
    runs: Sequence[Run]


def sides_of(instance: Instance, ledger: Ledger) -> list[Side]:
    """Return what is known of the instance that goes first, where there is one, and of this one."""
    here = Side(instance.instance, instance.instance == QA, True, _runs(ledger))
    before = _ledger_before(instance)
    if before is None or instance.after is None:
        return [here]
    return [Side(instance.after, True, False, _runs(before)), here]


def _ledger_before(instance: Instance) -> Ledger | None:
    # To open a ledger makes it: where there is none, none shall come of a look.
    if instance.ledger_before is None or instance.after is None:
        return None
    if not (instance.warehouse / instance.after / "ledger.sqlite").is_file():
        return None
    try:
        return Ledger(instance.ledger_before)
    except (SettingsWrong, sa.exc.SQLAlchemyError):
        return None  # of another version of the project: what it tells cannot be read


def _runs(ledger: Ledger) -> list[Run]:
    brought: dict[int, set[str]] = defaultdict(set)
    for row in ledger.rows(sa.select(released_requests)):
        number = NUMBER.match(row["request"])
        brought[row["deploy_id"]].add(number.group(0) if number else row["request"])
    rows = ledger.rows(sa.select(deploys).order_by(deploys.c.id))
    decided = {row["report_hash"]: row for row in _in_order(ledger, approvals)}
    done = _approve_steps(ledger)
    back = _taken_back(ledger)
    return [
        Run(
            row,
            frozenset(brought.get(row["id"], ())),
            decided.get(row["report_hash"]),
            done.get(row["id"]),
            back.get(str(row["candidate_id"])) if row["state"] == "rolled back" else None,
        )
        for row in rows
    ]


def _approve_steps(ledger: Ledger) -> Mapping[int, Row]:
    steps = deploy_steps.c
    query = sa.select(deploy_steps).where(steps.step == "approve", steps.state == "done")
    return {row["deploy_id"]: row for row in ledger.rows(query.order_by(steps.id))}


def _taken_back(ledger: Ledger) -> Mapping[str, dt.datetime]:
    # The way back is tried whenever something goes live: only the last time counts.
    query = sa.select(publications).where(publications.c.kind == "roll back")
    rows = ledger.rows(query.order_by(publications.c.id))
    return {str(row["replaced_build_id"]): row["published_at"] for row in rows}


def _in_order(ledger: Ledger, table: sa.Table) -> list[Row]:
    return ledger.rows(sa.select(table).order_by(table.c.id))
