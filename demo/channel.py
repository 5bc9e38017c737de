"""The demo channels: take the campaign files of the hub's outbox and tell what became of them.

    python -m demo.channel 2017-11-21      # receipt what was handed over for that date

A file of one business date goes out in the morning after it, so its events are delivered on the
following dates. Only what a manifest names is taken. Letters tell nothing.
"""

import csv
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from demo.responses import LONGEST, EmailEvent, Message, TextEvent, email_events, text_events
from demo.source import Period
from flows.settings import read_instance

SENT_AT = time(14, tzinfo=UTC)
Event = TypeVar("Event")


def emails_of(outbox: Path | None, period: Period) -> Iterator[EmailEvent]:
    """Yield what became of the hub's e-mails that can have events in the period."""
    return _told(outbox, "email", period, email_events)


def texts_of(outbox: Path | None, period: Period) -> Iterator[TextEvent]:
    """Yield what became of the hub's text messages that can have events in the period."""
    return _told(outbox, "sms", period, text_events)


def receipt(outbox: Path, on: date) -> int:
    """Write each channel's receipt over the files of a business date; return how many they are."""
    files = 0
    for manifest in sorted(outbox.glob(f"*/manifest__{on}.json")):
        told = json.loads(manifest.read_text(encoding="utf-8"))
        at = datetime.combine(on + timedelta(days=1), SENT_AT).isoformat()
        for entry in told["files"]:
            with manifest.with_name(entry["file"]).open(encoding="utf-8", newline="") as file:
                entry["rows"] = sum(1 for _ in csv.DictReader(file))
            entry |= {"status": "sent", "sent_at": at}
        path = manifest.with_name(f"receipt__{on}.json")
        arriving = path.with_name(f".{path.name}")
        arriving.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        arriving.replace(path)
        files += len(told["files"])
    return files


def _told(
    outbox: Path | None, channel: str, period: Period, tell: Callable[[Message], Iterator[Event]]
) -> Iterator[Event]:
    if outbox is None:
        return
    for manifest in sorted((outbox / channel).glob("manifest__*.json")):
        told = json.loads(manifest.read_text(encoding="utf-8"))
        on = date.fromisoformat(told["business_date"])
        if _matters(on, period):
            for entry in told["files"]:
                for message in _messages(manifest.with_name(entry["file"]), entry, on):
                    yield from tell(message)


def _matters(on: date, period: Period) -> bool:
    return period.first - timedelta(days=1) <= on + timedelta(days=LONGEST) and on < period.last


def _messages(path: Path, entry: dict[str, str], on: date) -> Iterator[Message]:
    """Yield the messages of one campaign file; it has no row for a customer held back."""
    sent_at = datetime.combine(on + timedelta(days=1), SENT_AT)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            household_id = int(row["customer_id"])
            send_id = f"{entry['idempotency_key']}:{household_id}"
            yield Message(household_id, entry["campaign_id"], send_id, sent_at)


def _receipt(
    dates: Annotated[list[str], typer.Argument(metavar="DATE...", help="Business dates.")],
) -> None:
    """Receipt, as the demo client's channels, what the hub handed over for each DATE."""
    for each in dates:
        files = receipt(read_instance().outbox, date.fromisoformat(each))
        typer.echo(f"{each}: {files} campaign files are out")


if __name__ == "__main__":
    typer.run(_receipt)
