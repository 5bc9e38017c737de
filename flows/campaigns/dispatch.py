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
    """Send every occurrence that may go and has not gone; return all that have gone today."""
    sent = []
    for decision in decided:
        if decision.verdict == "go":
            sent.append(_send_once(instance, ledger, build_id, day, decision))
    for channel in sorted({each.channel for each in sent}):
        _write_manifest(instance, ledger, channel, day)
    return sent


def _send_once(
    instance: Instance, ledger: Ledger, build_id: str, day: dt.date, decision: Decision
) -> Sent:
    due = decision.due
    row = _occurrence(ledger, due.campaign_id, day)
    if row is None:
        path = instance.outbox / due.channel / f"{due.campaign_id}__{day}.csv"
        ledger.add(
            occurrences,
            campaign_id=due.campaign_id,
            business_date=day,
            build_id=build_id,
            channel=due.channel,
            state="sending",
            chosen=due.chosen,
            control=due.control,
            path=str(path),
        )
        row = _occurrence(ledger, due.campaign_id, day)
        assert row is not None
    before = row["state"] == "sent"
    if not before:
        _write_files(path_of(instance, row["build_id"]), row)
        _mark_sent(ledger, row)
    return Sent(
        row["campaign_id"], row["channel"], row["chosen"], row["control"], Path(row["path"]), before
    )


def _occurrence(ledger: Ledger, campaign_id: str, day: dt.date) -> Row | None:
    query = sa.select(occurrences).where(
        occurrences.c.campaign_id == campaign_id, occurrences.c.business_date == day
    )
    return ledger.row(query)


def _write_files(build: Path, row: Row) -> None:
    path = Path(row["path"])
    path.parent.mkdir(parents=True, exist_ok=True)
    campaign = literal(row["campaign_id"])
    messages = (
        f"select {MESSAGE_COLUMNS} from campaigns.campaign_messages "
        f"where campaign_id = {campaign} order by customer_id"
    )
    receipt = (
        "select campaign_id, occurrence_date, customer_id, channel, "
        "status = 'control' as is_control "
        f"from campaigns.campaign_targets where campaign_id = {campaign} "
        "and status in ('chosen', 'control') order by customer_id"
    )
    with duckdb.connect(str(build), read_only=True) as connection:
        # The receipt first: a file that a channel may take must be one that we know of.
        _copy(connection, receipt, Path(f"{path}.receipt.parquet"), "format parquet")
        _copy(connection, messages, path, "format csv, header true")


def _copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path, form: str) -> None:
    arriving = path.with_name(f".{path.name}")
    connection.execute(f"copy ({query}) to {literal(str(arriving))} ({form})")
    arriving.replace(path)


def _mark_sent(ledger: Ledger, row: Row) -> None:
    ledger.change(
        occurrences,
        (occurrences.c.campaign_id == row["campaign_id"])
        & (occurrences.c.business_date == row["business_date"]),
        state="sent",
        sha256=digest(Path(row["path"])),
        sent_at=now(),
    )


def _write_manifest(instance: Instance, ledger: Ledger, channel: str, day: dt.date) -> None:
    query = (
        sa.select(occurrences)
        .where(occurrences.c.channel == channel, occurrences.c.business_date == day)
        .where(occurrences.c.state == "sent")
        .order_by(occurrences.c.campaign_id)
    )
    files = [
        {
            "campaign_id": row["campaign_id"],
            "idempotency_key": f"{row['campaign_id']}:{day}",
            "file": Path(row["path"]).name,
            "rows": row["chosen"],
            "sha256": row["sha256"],
        }
        for row in ledger.rows(query)
    ]
    told = {"channel": channel, "business_date": day.isoformat(), "files": files}
    path = instance.outbox / channel / f"manifest__{day}.json"
    arriving = path.with_name(f".{path.name}")
    arriving.write_text(json.dumps(told, indent=2) + "\n")
    arriving.replace(path)
