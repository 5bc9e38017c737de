"""What becomes of a made-up message: delivered, opened, clicked, bounced, complained of.

A household has a habit: how often it opens, at which hour of its day, whether a machine opens for
it, and from when on its mailbox or number is dead. The rest is drawn per message.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from demo.draw import day, share, shares
from demo.people import YEAR_END, YEAR_START

SHOP_TIME = ZoneInfo("America/New_York")
LONGEST = 8  # days after sending by which everything has happened
MACHINES = 0.18  # of all households have a program that fetches every message
DEAD_MAILBOXES, DEAD_NUMBERS = 0.04, 0.03  # of all households, at some day of the year
SOFT, COMPLAINTS, AGAIN = 0.008, 0.0006, 0.25  # of messages sent, delivered and opened
# Of several salts tried, with this one a hard bounce is 180 days old on 21 November.
DEAD = "dead:1"


@dataclass(frozen=True)
class Message:
    """One message to one household; `sent_at` in UTC."""

    household_id: int
    campaign_id: str
    send_id: str
    sent_at: datetime


@dataclass(frozen=True)
class EmailEvent:
    """One row of `email_events`; `event_at` in UTC, `is_machine_open` of an open only."""

    event_id: str
    household_id: int
    campaign_id: str
    send_id: str
    event_type: str
    event_at: datetime
    is_machine_open: bool | None
    bounce_type: str | None


@dataclass(frozen=True)
class TextEvent:
    """One row of `sms_events`; `event_at` in UTC."""

    event_id: str
    household_id: int
    campaign_id: str
    event_type: str
    event_at: datetime
    error_code: str | None


@dataclass(frozen=True)
class _Habit:
    opens: float  # the share of messages that it opens
    clicks: float  # the share of those opened
    hour: int  # 6 to 22, local
    has_machine: bool


def is_dead(household_id: int, on: date, malformed: bool = False) -> bool:
    """Return whether mail to the household comes back for good on that date."""
    return malformed or on >= _dead_from(household_id, f"{DEAD}:mailbox", DEAD_MAILBOXES)


def is_cut_off(household_id: int, on: date) -> bool:
    """Return whether texts to the household fail for good on that date."""
    return on >= _dead_from(household_id, f"{DEAD}:number", DEAD_NUMBERS)


def complains(message: Message) -> bool:
    """Return whether the household reports the message as spam."""
    return share(message.household_id, f"{message.send_id}:complaint") < COMPLAINTS


def email_events(message: Message, malformed: bool = False) -> Iterator[EmailEvent]:
    """Yield everything that becomes of an e-mail, within `LONGEST` days."""
    spread, soft, machine, opened, again = shares(message.household_id, message.send_id)
    arrived = message.sent_at + timedelta(seconds=int(spread * 1200))
    if is_dead(message.household_id, message.sent_at.date(), malformed):
        yield _event(message, "bounce", arrived, bounce_type="hard")
        return
    if soft < SOFT:
        yield _event(message, "bounce", arrived, bounce_type="soft")
        return
    yield _event(message, "delivered", arrived)
    if complains(message):
        yield _event(message, "complaint", arrived + timedelta(hours=2))
    habit = _habit(message.household_id)
    if habit.has_machine:
        fetched = arrived + timedelta(seconds=5 + int(machine * 90))
        yield _event(message, "open", fetched, is_machine_open=True)
    if opened < habit.opens:
        yield from _of_opened(message, habit, arrived, again)


def text_events(message: Message) -> Iterator[TextEvent]:
    """Yield what becomes of a text message: one event."""
    spread, temporary, *_ = shares(message.household_id, message.send_id)
    at = message.sent_at + timedelta(seconds=int(spread * 600))
    if is_cut_off(message.household_id, message.sent_at.date()):
        yield _text(message, "failed", at, "permanent")
    elif temporary < 0.02:
        yield _text(message, "failed", at, "temporary")
    else:
        yield _text(message, "delivered", at, None)


def _of_opened(
    message: Message, habit: _Habit, arrived: datetime, again: float
) -> Iterator[EmailEvent]:
    """Yield the open, perhaps a second one, and a click."""
    late, minute, clicked, pause, _ = shares(message.household_id, f"{message.send_id}:open")
    opened_at = _opened_at(arrived, habit.hour, int(late**3 * 4), int(minute * 3600))
    yield _event(message, "open", opened_at, is_machine_open=False)
    if again < AGAIN:
        second = opened_at + timedelta(hours=1 + int(pause * 70))
        yield _event(message, "open", second, number=2, is_machine_open=False)
    if clicked < habit.clicks:
        yield _event(message, "click", opened_at + timedelta(seconds=20 + int(pause * 300)))


def _opened_at(arrived: datetime, hour: int, days: int, seconds: int) -> datetime:
    """Return the household's hour, so many days after the message came; never before it."""
    on = arrived.astimezone(SHOP_TIME).date() + timedelta(days=days)
    at = _local(on, hour, seconds)
    return at if at > arrived else _local(on + timedelta(days=1), hour, seconds)


def _local(on: date, hour: int, seconds: int) -> datetime:
    start = datetime.combine(on, time(hour), SHOP_TIME).astimezone(UTC)
    return start + timedelta(seconds=seconds)


@cache
def _habit(household_id: int) -> _Habit:
    opens, clicks, hour, machine, _ = shares(household_id, "mail:habit")
    return _Habit(0.04 + 0.7 * opens**2, 0.05 + 0.3 * clicks**2, 6 + int(hour * 17),
                  machine < MACHINES)  # fmt: skip


@cache
def _dead_from(household_id: int, salt: str, part: float) -> date:
    if share(household_id, salt) >= part:
        return date.max
    return day(YEAR_START, YEAR_END, household_id, f"{salt}:day")


def _event(
    message: Message,
    event_type: str,
    at: datetime,
    number: int = 1,
    is_machine_open: bool | None = None,
    bounce_type: str | None = None,
) -> EmailEvent:
    kind = "machine" if is_machine_open else event_type
    event_id = f"{message.send_id}:{kind}:{number}"
    return EmailEvent(
        *(event_id, message.household_id, message.campaign_id, message.send_id),
        *(event_type, at, is_machine_open, bounce_type),
    )


def _text(message: Message, event_type: str, at: datetime, error_code: str | None) -> TextEvent:
    event_id = f"{message.send_id}:{event_type}"
    return TextEvent(
        event_id, message.household_id, message.campaign_id, event_type, at, error_code
    )
