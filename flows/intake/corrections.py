"""Rows that were set aside, released as they are or corrected by a person, with trace.

Both make a new version of the delivery: the old batch and what was let in, beside the old
quarantine without it. The version before stays. Nothing is ever deleted, and
`delivered = accepted + quarantined` holds for every version.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from flows.contracts import checks
from flows.contracts.checks import Finding
from flows.errors import CorrectionRefused
from flows.intake import history, snapshots
from flows.intake.batches import Span, rows, write
from flows.intake.casting import file
from flows.intake.quarantine import Desk, Values, read_export, rows_set_aside, values_of
from flows.intake.reading.delivery import Delivery, workbench
from flows.intake.sorting import Sorting
from flows.ledger import Row

Chosen = Sequence[tuple[int, Values]]


def release(desk: Desk, reason: str | None, who: str, why: str) -> int:
    """Let rows in as they came, against a warning of the contract; return how many.

    Raises:
        CorrectionRefused: when none has that reason, or one does not fit its types: such a row
            must be corrected.
    """
    delivery = desk.held
    chosen = [
        (number, values_of(text, desk.contract))
        for number, text, told in rows_set_aside(delivery)
        if reason is None or told == reason
    ]
    if not chosen:
        raise CorrectionRefused(f"No row is set aside because '{reason}'. See: scv quarantine")
    return _let_in(desk, delivery, chosen, "release", who, why)


def correct(desk: Desk, path: Path, who: str, why: str) -> int:
    """Take corrected rows from a CSV that `export` wrote; return how many.

    Rows that a person took out of the file stay set aside.

    Raises:
        CorrectionRefused: when the file is not such a one, or a row still does not fit.
    """
    delivery = desk.held
    anew = f"scv quarantine export {desk.contract.table} {desk.day} {path}"
    try:
        chosen = read_export(path, desk.contract, delivery["version"])
    except (OSError, KeyError, TypeError, ValueError, csv.Error):
        raise CorrectionRefused(
            f"{path} is not a file of corrections of what is set aside now. Write one, then edit "
            f"it: {anew}"
        ) from None
    known = {number for number, _, _ in rows_set_aside(delivery)}
    numbers = [number for number, _ in chosen]
    if not chosen or not known.issuperset(numbers) or len(set(numbers)) < len(numbers):
        raise CorrectionRefused(
            f"{path} names no row, or one that is not set aside, or one twice. Write it anew: "
            f"{anew}"
        )
    return _let_in(desk, delivery, chosen, "correct", who, why)


def _let_in(desk: Desk, delivery: Row, chosen: Chosen, action: str, who: str, why: str) -> int:
    if not who.strip() or not why.strip():
        raise CorrectionRefused("Say who decided and why: --who NAME --why REASON.")
    contract = desk.contract
    if contract.load == "snapshot":
        newest = history.last_good(desk.ledger, contract.table, desk.day.max)
        snapshots.refuse_overtaken(contract, desk.day, newest)
    version = history.next_version(desk.ledger, contract.table, desk.day)
    old = [Path(delivery[each]) for each in ("batch_path", "quarantine_path")]
    batch, aside = (path.with_name(f"v{version}.parquet") for path in old)
    with _sorted(desk, chosen) as connection:
        _refuse_misfits(desk, connection, chosen)
        if action == "correct":
            # A released row fails a warning, and a person answers for that; this one should not.
            _refuse_broken(desk, connection, ("critical", "warning"))
        _join(desk, connection, old, [number for number, _ in chosen])
        found = _refuse_broken(desk, connection, ("critical",))
        write(connection, "batch", batch)
        write(connection, "left_aside", aside)
        if contract.load == "snapshot":
            states = [
                desk.instance.snapshot_of(contract.table, desk.day, each)
                for each in (delivery["version"], version)
            ]
            snapshots.let_in(connection, contract, *states)
        left = rows(connection, "left_aside")
    told = {
        "version": version,
        "batch_path": str(batch),
        "quarantine_path": str(aside) if left else None,
        "rows_accepted": delivery["rows_accepted"] + len(chosen),
        "rows_quarantined": left,
        "sentence": f"{left:,} rows set aside" if left else "",
    }
    trace = {
        "table_name": contract.table,
        "business_date": desk.day,
        "from_version": delivery["version"],
        "to_version": version,
        "action": action,
        "rows": len(chosen),
        "who": who.strip(),
        "why": why.strip(),
    }
    kept = {k: v for k, v in delivery.items() if k not in ("id", "received_at", "came_again_at")}
    history.record(desk.ledger, kept | told, found, correction=trace)
    return len(chosen)


@contextmanager
def _sorted(desk: Desk, chosen: Chosen) -> Iterator[duckdb.DuckDBPyConnection]:
    """The chosen rows, sorted as the intake sorts: good ones in the relation `accepted`."""
    names = desk.contract.names
    with (
        tempfile.TemporaryDirectory(dir=desk.instance.root) as spill,
        workbench(desk.instance.intake_memory, desk.instance.threads, spill) as connection,
    ):
        schema = pa.schema([(name, pa.string()) for name in names])
        told = [{name: values.get(name) for name in names} for _, values in chosen]
        connection.register("chosen", pa.Table.from_pylist(told, schema))
        delivery = Delivery("chosen", dict.fromkeys(names, "VARCHAR"))
        # A person who releases or corrects a row answers for its day as well.
        span = Span(desk.day, None)
        Sorting(connection, desk.contract, delivery, span, Path(spill) / "typed.parquet").run()
        connection.execute("create table let_in as from accepted")
        yield connection


def _join(
    desk: Desk, connection: duckdb.DuckDBPyConnection, old: Sequence[Path], numbers: list[int]
) -> None:
    """Make the relations `batch` and `left_aside` of the new version, and `accepted` to check."""
    before = f"read_parquet({file(old[0])}, hive_partitioning = false)"
    is_snapshot = desk.contract.load == "snapshot"
    also = ", false as is_deleted" if is_snapshot else ""
    connection.execute(
        f"create view batch as from {before} union all by name select *{also} from let_in"
    )
    connection.execute(
        "create view left_aside as select row_text, reason from "
        f"read_parquet({file(old[1])}, file_row_number = true) "
        f"where file_row_number + 1 not in ({', '.join(map(str, numbers))})"
    )
    there = "select * exclude (is_deleted) from batch where not is_deleted"
    connection.execute(
        f"create or replace view accepted as {there if is_snapshot else 'from batch'}"
    )


def _refuse_misfits(desk: Desk, connection: duckdb.DuckDBPyConnection, chosen: Chosen) -> None:
    found = connection.execute(
        "select reason, count(*) from quarantined group by 1 order by 2 desc limit 3"
    ).fetchall()
    empty = sum(not any(values.values()) for _, values in chosen)
    said = [f"{reason}: {count:,}" for reason, count in found]
    said += [f"without a value in any column: {empty:,}"] if empty else []
    if said:
        raise CorrectionRefused(
            f"{desk.contract.table} for {desk.day}: rows still do not fit ({'; '.join(said)}); "
            "nothing was changed. Correct them in a file: "
            f"scv quarantine export {desk.contract.table} {desk.day} FILE"
        )


def _refuse_broken(
    desk: Desk, connection: duckdb.DuckDBPyConnection, severities: tuple[str, ...]
) -> list[Finding]:
    found = checks.check(connection, desk.contract)
    broken = [
        str(finding)
        for finding in found
        if finding.outcome == "could not run"
        or (finding.outcome == "failed" and finding.severity in severities)
    ]
    if broken:
        raise CorrectionRefused(
            f"{desk.contract.table} for {desk.day} would break its contract with these rows: "
            f"{'; '.join(broken)}. Nothing was changed."
        )
    return found
