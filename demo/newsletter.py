"""What the client sent itself before the hub did: a newsletter a week, a text message a month.

It went to whoever had agreed to it at that time. Whoever complained was taken off the list, and so
was an address that bounced and a number that failed for good.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta

from demo.consents import Consent
from demo.people import Household
from demo.responses import (
    LONGEST,
    EmailEvent,
    Message,
    TextEvent,
    complains,
    email_events,
    is_cut_off,
    is_dead,
    text_events,
)
from demo.source import Period

SENT_AT = time(14, tzinfo=UTC)
# Every Thursday; the first Saturday of a month. The last ones went out before the hub began.
NEWSLETTERS = [date(2017, 3, 2) + timedelta(weeks=week) for week in range(38)]
TEXTS = [
    *(date(2017, 3, 4), date(2017, 4, 1), date(2017, 5, 6), date(2017, 6, 3), date(2017, 7, 1)),
    *(date(2017, 8, 5), date(2017, 9, 2), date(2017, 10, 7), date(2017, 11, 4)),
]

Agreed = dict[tuple[int, str], list[tuple[datetime, bool]]]  # household, channel → answers in order


class Lists:
    """The client's former mailing lists."""

    def __init__(self, change_log: Iterable[Household], consents: Iterable[Consent]) -> None:
        """Learn who lives at which address, and who agreed to what and when."""
        versions = list(change_log)
        self.first = {h.household_id: h for h in reversed(versions)}
        self.closed = {h.household_id: h.deleted_at for h in versions if h.deleted_at is not None}
        self.answers: Agreed = {}
        for event in consents:
            answer = event.event_at, event.status == "opt_in"
            self.answers.setdefault((event.household_id, event.channel), []).append(answer)

    def email_events(self, period: Period) -> Iterator[EmailEvent]:
        """Yield what became of the newsletters that can have events in the period."""
        for household in self.first.values():
            if household.email is None:
                continue
            malformed = "@" not in household.email
            for message in self._sent(household, "email", NEWSLETTERS, period, malformed):
                yield from email_events(message, malformed)

    def text_events(self, period: Period) -> Iterator[TextEvent]:
        """Yield what became of the text messages that can have events in the period."""
        for household in self.first.values():
            if household.phone is not None:
                for message in self._sent(household, "sms", TEXTS, period, False):
                    yield from text_events(message)

    def _sent(
        self, of: Household, channel: str, dates: list[date], period: Period, malformed: bool
    ) -> Iterator[Message]:
        """Yield the messages to a household, until it is taken off the list."""
        ends: Callable[[Message], bool] = _ends_email(malformed) if channel == "email" else _ends
        for on in dates:
            if on > period.last:
                return
            sent_at = datetime.combine(on, SENT_AT)
            if not self._agreed(of.household_id, channel, sent_at):
                continue
            campaign = "newsletter" if channel == "email" else "monthly_text"
            message = Message(
                of.household_id, campaign, f"{campaign}:{on}:{of.household_id}", sent_at
            )
            if on + timedelta(days=LONGEST) >= period.first:
                yield message
            if ends(message):
                return

    def _agreed(self, household_id: int, channel: str, at: datetime) -> bool:
        closed = self.closed.get(household_id)
        is_open = closed is None or closed > at
        return is_open and all(self._says(household_id, c, at) for c in ("global", channel))

    def _says(self, household_id: int, channel: str, at: datetime) -> bool:
        answers = self.answers.get((household_id, channel), [])
        return next((yes for when, yes in reversed(answers) if when <= at), False)


def _ends_email(malformed: bool) -> Callable[[Message], bool]:
    def ends(message: Message) -> bool:
        return is_dead(message.household_id, message.sent_at.date(), malformed) or complains(
            message
        )

    return ends


def _ends(message: Message) -> bool:
    return is_cut_off(message.household_id, message.sent_at.date())
