"""Are the day's campaigns all out? Read from the ledger, and from what the channels receipted.

Not knowing counts as not sent: a campaign without a decision, a file without a receipt and a
receipt over another number of messages each keep a release waiting.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from flows.builds import live
from flows.campaigns.gate import campaigns_due
from flows.ledger import Ledger, Row, cancellations, decisions, nights, occurrences
from flows.settings import Instance


class Receipt(BaseModel):
    """What a channel says of one campaign file that it took."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    idempotency_key: str
    status: Literal["accepted", "sending", "sent", "failed"]
    rows: int
    sent_at: AwareDatetime | None = None


class Receipts(BaseModel):
    """`outbox/<channel>/receipt__<business date>.json`: what a channel says of a day."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    channel: str
    business_date: dt.date
    files: tuple[Receipt, ...]


@dataclass(frozen=True)
class Outgoing:
    """Where one campaign of the day is; `is_settled` when nothing more is to go out of it."""

    campaign_id: str
    is_settled: bool
    sentence: str
    sent_at: dt.datetime | None = None


def outgoing(instance: Instance, ledger: Ledger, build_id: str) -> list[Outgoing]:
    """Return where each campaign is that is due on the business date of a published build."""
    day = dt.date.fromisoformat(build_id[:10])
    if _is_history(ledger, day):
        return []
    due = {each.campaign_id for each in campaigns_due(live.path_of(instance, build_id))}
    decided = {row["campaign_id"]: row for row in _of_day(ledger, decisions, day)}
    begun = {row["campaign_id"]: row for row in _of_day(ledger, occurrences, day)}
    cancelled = {row["campaign_id"]: row for row in _of_day(ledger, cancellations, day)}
    receipts = _receipts(instance, day)
    return [
        _where(name, decided.get(name), begun.get(name), cancelled.get(name), receipts)
        for name in sorted(due | decided.keys() | begun.keys())
    ]


def not_settled(
    instance: Instance, ledger: Ledger, build_id: str, margin: dt.timedelta, now: dt.datetime
) -> list[str]:
    """Return what keeps the gate of a release shut, in sentences; nothing when it is open.

    Args:
        instance: whose campaigns.
        ledger: what was decided and sent.
        build_id: the build that is live.
        margin: how long ago the last message must have gone out.
        now: the time, with its zone.
    """
    there = outgoing(instance, ledger, build_id)
    reasons = [each.sentence for each in there if not each.is_settled]
    last = max((each.sent_at for each in there if each.sent_at is not None), default=None)
    if not reasons and last is not None and now < last + margin:
        minutes = int(margin.total_seconds() // 60)
        reasons.append(f"The last message went out at {last:%H:%M} UTC, not {minutes} minutes ago.")
    return reasons


def _of_day(ledger: Ledger, table: sa.Table, day: dt.date) -> list[Row]:
    order = table.c.id if "id" in table.c else table.c.campaign_id
    return ledger.rows(sa.select(table).where(table.c.business_date == day).order_by(order))


def _is_history(ledger: Ledger, day: dt.date) -> bool:
    """True when a date was loaded as history: a night was done, and nothing was to be decided."""
    of_day = nights.c.business_date == day
    done = ledger.row(sa.select(nights).where(of_day, nights.c.state == "done"))
    return done is not None and not _of_day(ledger, decisions, day)


def _receipts(instance: Instance, day: dt.date) -> dict[str, Receipt]:
    found: dict[str, Receipt] = {}
    for path in sorted(instance.outbox.glob(f"*/receipt__{day}.json")):
        found |= {each.idempotency_key: each for each in _read(path)}
    return found


def _read(path: Path) -> tuple[Receipt, ...]:
    try:
        return Receipts.model_validate_json(path.read_bytes()).files
    except ValidationError:
        # What cannot be read says nothing: its campaigns count as not sent.
        return ()


def _where(
    name: str,
    decided: Row | None,
    begun: Row | None,
    cancelled: Row | None,
    receipts: Mapping[str, Receipt],
) -> Outgoing:
    if begun is None:
        if cancelled is not None:
            return Outgoing(name, True, f"{name} was cancelled by {cancelled['who']}.")
        if decided is not None and decided["verdict"] == "held":
            return Outgoing(name, True, f"{name} is held.")
        what = "its file is not written" if decided else "the gate has not been asked"
        return Outgoing(name, False, f"{name} is not out: {what}.")
    if begun["state"] != "sent":
        return Outgoing(name, False, f"{name} is being written.")
    told = receipts.get(f"{name}:{begun['business_date']}")
    if told is None:
        return Outgoing(name, False, f"{name} is written; {begun['channel']} has not receipted it.")
    if told.status != "sent":
        return Outgoing(name, False, f"{name} is {told.status}, says {begun['channel']}.")
    if told.rows != begun["chosen"]:
        return Outgoing(
            name,
            False,
            f"{name} has {begun['chosen']:,} messages, and {begun['channel']} has sent "
            f"{told.rows:,}.",
        )
    return Outgoing(name, True, f"{name} is sent.", told.sent_at)
