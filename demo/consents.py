"""The made-up consent events: who allowed or forbade messages, where, when and how."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from demo.draw import day, moment, pick, share, whole
from demo.people import YEAR_END, YEAR_START, Household

CONSENT_STARTS = date(2015, 1, 1)  # older cards were asked when the client began to keep consent
GLOBAL = 0.90  # of all households allow messages at all
OPT_IN = {"email": 0.68, "sms": 0.45, "direct_mail": 0.70, "push": 0.30}  # of all households
# Of those opted in.
OPT_OUT = {"global": 0.01, "email": 0.12, "sms": 0.05, "direct_mail": 0.05, "push": 0.08}
AGAIN = {"email": 0.25}  # of those who opted out


@dataclass(frozen=True)
class Consent:
    """One event; `status` is 'opt_in' or 'opt_out', `event_at` in UTC."""

    household_id: int
    channel: str
    status: str
    event_at: datetime
    capture_source: str


def consent_events(change_log: Iterable[Household]) -> list[Consent]:
    """Return all events up to the end of 2017, ordered by time, household and channel."""
    first_versions = {h.household_id: h for h in reversed(list(change_log))}
    events = [event for h in first_versions.values() for event in _of_household(h)]
    kept = [event for event in events if event.event_at.date() <= YEAR_END]
    return sorted(kept, key=lambda e: (e.event_at, e.household_id, e.channel))


def _of_household(household: Household) -> Iterator[Consent]:
    """Yield a household's events, channel by channel."""
    # Who forbids messages altogether allows no channel either; the shares are still of everyone.
    allows = share(household.household_id, "consent:global") < GLOBAL
    yield from _of_channel(household, "global", allows)
    for channel, wanted in OPT_IN.items():
        at = share(household.household_id, f"consent:{channel}")
        yield from _of_channel(household, channel, allows and at < wanted / GLOBAL)


def _of_channel(household: Household, channel: str, opted_in: bool) -> Iterator[Consent]:
    """Yield the answer at registration and what followed from it."""
    h, salt = household.household_id, f"consent:{channel}"
    # Half of those who do not opt in said no; the other half gave no answer.
    if not opted_in and share(h, f"{salt}:asked") < 0.5:
        return
    asked = max(household.registered_on, CONSENT_STARTS)
    status = "opt_in" if opted_in else "opt_out"
    source = _source_at_registration(household, opted_in)
    asked_at = datetime.combine(asked, household.updated_at.timetz())
    yield Consent(h, channel, status, asked_at, source)
    if opted_in:
        yield from _later(h, channel, max(asked + timedelta(days=1), YEAR_START))


def _source_at_registration(household: Household, opted_in: bool) -> str:
    """Return how the first answer came in: imported, if it is older than the data set."""
    if household.registered_on < YEAR_START:
        return "import"
    # A form only has boxes to tick; a spoken no is noted at the service desk.
    # The salt names no channel: one form serves them all.
    form = pick(("web_form", "store"), household.household_id, "consent:form")
    return form if opted_in else "service_desk"


def _later(h: int, channel: str, earliest: date) -> Iterator[Consent]:
    """Yield the opt-out of 2017 from `earliest` on, if any, and a change of mind after it."""
    salt = f"consent:{channel}:out"
    if share(h, salt) >= OPT_OUT[channel] or earliest > YEAR_END:
        return
    out_on = day(earliest, YEAR_END, h, f"{salt}:day")
    # A paper mailing has no link to click.
    links = ("service_desk",) if channel == "direct_mail" else ("message_link",) * 3
    source = pick((*links, "service_desk", "web_form"), h, f"{salt}:source")
    yield Consent(h, channel, "opt_out", moment(out_on, h, f"{salt}:time"), source)
    if share(h, f"{salt}:again") < AGAIN.get(channel, 0.0):
        back_on = out_on + timedelta(days=whole(10, 90, h, f"{salt}:again:days"))
        source = pick(("web_form", "web_form", "store"), h, f"{salt}:again:source")
        yield Consent(h, channel, "opt_in", moment(back_on, h, f"{salt}:again:time"), source)
