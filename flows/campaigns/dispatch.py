"""Write tonight's campaign files to the outbox: each occurrence once, whatever crashes or reruns.

The ledger's key (campaign, business date) is taken before the first byte is written, with the
build that it is written from. A crash leaves it `sending`; the next start writes the same bytes to
the same name and marks it `sent`. A channel picks up what its manifest names.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import sqlalchemy as sa

from flows.builds.live import path_of
from flows.campaigns.cancelling import cancelled
from flows.campaigns.gate import Decision
from flows.intake.casting import literal
from flows.intake.landing import digest
from flows.ledger import Ledger, Row, now, occurrences
from flows.settings import Instance

MESSAGE_COLUMNS = "customer_id, address, first_name, last_name, language_code"


@dataclass(frozen=True)
class Sent:
    """One occurrence in the outbox."""

    campaign_id: str
    channel: str
    chosen: int
    control: int
    path: Path
    sent_before: bool


def dispatch(
    instance: Instance, ledger: Ledger, build_id: str, day: dt.date, decided: Sequence[Decision]
) -> list[Sent]:
    """Send every occurrence that may go, has not gone and is not cancelled; return all that went.

    What a crash left half sent is finished first, from the build that it was begun with. Who has
    had a message of today is left out of what is sent later: a day's second build may choose
    other customers than its first.
    """
    before = {row["campaign_id"] for row in _occurrences(ledger, day, "sent")}
    for row in _occurrences(ledger, day, "sending"):
        _send(instance, ledger, row)
    known = {row["campaign_id"] for row in _occurrences(ledger, day)} | cancelled(ledger, day)
    for decision in decided:
        if decision.verdict == "go" and decision.due.campaign_id not in known:
            _begin(instance, ledger, build_id, day, decision)
            _send(instance, ledger, _occurrences(ledger, day, "sending")[0])
    gone = _occurrences(ledger, day, "sent")
    for channel in sorted({row["channel"] for row in gone}):
        _write_manifest(instance, channel, day, gone)
    return [_as_sent(row, row["campaign_id"] in before) for row in gone]


def _begin(
    instance: Instance, ledger: Ledger, build_id: str, day: dt.date, decision: Decision
) -> None:
    due = decision.due
    ledger.add(
        occurrences,
        campaign_id=due.campaign_id,
        business_date=day,
        build_id=build_id,
        channel=due.channel,
        state="sending",
        chosen=due.chosen,
        control=due.control,
        path=str(instance.outbox / due.channel / f"{due.campaign_id}__{day}.csv"),
    )


def _send(instance: Instance, ledger: Ledger, row: Row) -> None:
    day = row["business_date"]
    written_to = [_receipt(each) for each in _occurrences(ledger, day, "sent")]
    chosen, control = _write_files(path_of(instance, row["build_id"]), row, written_to)
    ledger.change(
        occurrences,
        (occurrences.c.campaign_id == row["campaign_id"]) & (occurrences.c.business_date == day),
        state="sent",
        chosen=chosen,
        control=control,
        sha256=digest(Path(row["path"])),
        sent_at=now(),
    )


def _as_sent(row: Row, sent_before: bool) -> Sent:
    counts = row["chosen"], row["control"]
    return Sent(row["campaign_id"], row["channel"], *counts, Path(row["path"]), sent_before)


def _occurrences(ledger: Ledger, day: dt.date, state: str | None = None) -> list[Row]:
    query = sa.select(occurrences).where(occurrences.c.business_date == day)
    if state is not None:
        query = query.where(occurrences.c.state == state)
    return ledger.rows(query.order_by(occurrences.c.campaign_id))


def _receipt(row: Row) -> str:
    return f"{row['path']}.receipt.parquet"


def _write_files(build: Path, row: Row, written_to: Sequence[str]) -> tuple[int, int]:
    """Write the campaign's file and its receipt; return messages and customers held back."""
    path = Path(row["path"])
    path.parent.mkdir(parents=True, exist_ok=True)
    campaign, others = literal(row["campaign_id"]), "true"
    if written_to:
        receipts = ", ".join(literal(receipt) for receipt in written_to)
        others = (
            f"customer_id not in (select customer_id from read_parquet([{receipts}]) "
            "where not is_control)"
        )
    messages = (
        f"select {MESSAGE_COLUMNS} from campaigns.campaign_messages "
        f"where campaign_id = {campaign} and {others} order by customer_id"
    )
    receipt = (
        "select campaign_id, occurrence_date, customer_id, channel, "
        "status = 'control' as is_control "
        f"from campaigns.campaign_targets where campaign_id = {campaign} "
        f"and status in ('chosen', 'control') and {others} order by customer_id"
    )
    with duckdb.connect(str(build), read_only=True) as connection:
        # The receipt first: a file that a channel may take must be one that we know of.
        asked = _copy(connection, receipt, Path(_receipt(row)), "format parquet")
        chosen = _copy(connection, messages, path, "format csv, header true")
    return chosen, asked - chosen


def _copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path, form: str) -> int:
    arriving = path.with_name(f".{path.name}")
    copied = connection.execute(f"copy ({query}) to {literal(str(arriving))} ({form})").fetchall()
    arriving.replace(path)
    return int(copied[0][0])


def _write_manifest(instance: Instance, channel: str, day: dt.date, gone: Sequence[Row]) -> None:
    files = [
        {
            "campaign_id": row["campaign_id"],
            "idempotency_key": f"{row['campaign_id']}:{day}",
            "file": Path(row["path"]).name,
            "rows": row["chosen"],
            "sha256": row["sha256"],
        }
        for row in gone
        if row["channel"] == channel
    ]
    told = {"channel": channel, "business_date": day.isoformat(), "files": files}
    path = instance.outbox / channel / f"manifest__{day}.json"
    arriving = path.with_name(f".{path.name}")
    arriving.write_text(json.dumps(told, indent=2) + "\n")
    arriving.replace(path)
