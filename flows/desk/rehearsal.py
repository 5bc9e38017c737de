"""A few rows taken in as a night would take them, by the contract of a request: nothing is kept."""

from __future__ import annotations

import csv
import datetime as dt
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.contracts.contract import Contract
from flows.errors import DeliveryRefused
from flows.intake.batches import Span
from flows.intake.landing import Landed
from flows.intake.reading import reader
from flows.intake.reading.delivery import workbench
from flows.intake.sorting import Sorting
from flows.intake.sources.declared import Form

MEMORY = "512MB"
ROW = "example_row"  # a column by which the rows of an example are told apart


@dataclass(frozen=True)
class Rehearsed:
    """What would become of rows: how many are good, which are not and why, and what breaks.

    Args:
        reasons: why rows would be set aside, with their number; no reason quotes a value.
        broken: what keeps the whole delivery from being taken in.
        aside: texts of the rows that would be set aside.
    """

    delivered: int
    reasons: Mapping[str, int]
    broken: tuple[str, ...]
    aside: tuple[str, ...]


def rehearse(contract: Contract, path: Path, form: Form) -> Rehearsed:
    """Take in a file by a contract, in memory.

    Raises:
        DeliveryRefused: when the file cannot be read, or has other columns.
    """
    with (
        tempfile.TemporaryDirectory() as spill,
        workbench(MEMORY, 1, spill) as connection,
    ):
        # Great Expectations takes seconds to import.
        from flows.contracts import checks

        landed = Landed((path,), "", form, {}, None)
        delivery = reader.read(connection, contract, landed, Path(spill))
        span = Span(dt.date.max, None)
        sorting = Sorting(connection, contract, delivery, span, Path(spill) / "typed.parquet")
        sorting.run()
        found = checks.check(connection, contract)
        broken = [
            str(each)
            for each in found
            if each.outcome == "could not run"
            or (each.outcome == "failed" and each.severity == "critical")
        ]
        for each in found:
            if each.condition:
                sorting.set_aside(each.condition, f"{each.expectation} on {each.column}")
        aside = connection.execute("select row_text, reason from quarantined").fetchall()
        delivered = sorting.count().delivered
    reasons: dict[str, int] = {}
    for _, reason in aside:
        reasons[reason] = reasons.get(reason, 0) + 1
    return Rehearsed(delivered, reasons, tuple(broken), tuple(str(text) for text, _ in aside))


def rehearse_rows(contract: Contract, rows: Sequence[Mapping[str, str]]) -> Rehearsed:
    """Take in rows of a sheet, which have the contract's columns and `ROW`.

    Raises:
        DeliveryRefused: when they have other columns.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "examples.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return rehearse(contract, path, Form(format="csv"))


def rows_aside(found: Rehearsed) -> set[int]:
    """Return the numbers of the rows that would be set aside."""
    return {int(json.loads(text)[ROW]) for text in found.aside}


def form_of(told: Mapping[str, Any]) -> Form:
    """Return how a sample is read, from what a request says of its table."""
    known = {"format", "compression", "delimiter", "encoding"}
    return Form(**{key: value for key, value in told.items() if key in known and value})


__all__ = ["ROW", "DeliveryRefused", "Rehearsed", "form_of", "rehearse", "rehearse_rows"]
