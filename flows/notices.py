"""Telling people: a night or a release stopped, campaigns are held, somebody has to approve.

By Apprise, to the addresses in SCV_NOTIFY: a webhook, e-mail, a chat. A notice that cannot be sent
stops nothing: it is logged, without the address, which holds a password or a token. No notice
carries a customer's value: it is made of sentences that the ledger may keep.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from flows.ledger import Ledger, nights, notices, now
from flows.settings import Instance

log = logging.getLogger("scv.notices")

Kind = Literal["failed", "held", "waiting", "deployed", "skipped"]
# The colour, or the sign, that a chat gives it.
LOOKS = {
    "failed": "failure",
    "held": "warning",
    "waiting": "warning",
    "deployed": "success",
    "skipped": "info",
}


@dataclass(frozen=True)
class Subject:
    """What a notice is about: told once, unless what there is to tell is something else."""

    name: str
    told: str

    @property
    def digest(self) -> str:
        """What makes two notices of a subject the same."""
        return hashlib.sha256(self.told.encode()).hexdigest()[:16]


def notify(instance: Instance, kind: Kind, title: str, body: str, link: str = "") -> int:
    """Send a notice to every address; return how many took it. Raises nothing.

    Args:
        instance: who tells it; its name begins the title.
        kind: failed, held, waiting, deployed or skipped.
        title: what happened, in a few words.
        body: sentences that say what and what to do next; no customer's value.
        link: the page that says more.
    """
    text = f"{body}\n\n{link}" if link else body
    number = len(instance.notify)
    took = [
        _send(address.get_secret_value(), kind, f"{instance.instance}: {title}", text)
        for address in instance.notify
    ]
    for place in (n for n, well in enumerate(took, 1) if not well):
        scheme = instance.notify[place - 1].get_secret_value().partition("://")[0]
        known = scheme if scheme.isalnum() else "no URL"
        log.warning(
            "A notice (%s) did not reach address %s of %s in SCV_NOTIFY (%s). Try them: scv notify",
            *(kind, place, number, known),
        )
    return sum(took)


def notify_once(
    instance: Instance,
    ledger: Ledger,
    about: Subject,
    kind: Kind,
    title: str,
    body: str,
    link: str = "",
) -> bool:
    """Send a notice that nobody has had yet; return whether somebody has it now."""
    if not instance.notify:
        return False
    row = {"kind": kind, "subject": about.name, "digest": about.digest}
    before = sa.select(notices.c.id).where(*(notices.c[name] == row[name] for name in row))
    if ledger.row(before) is not None or not notify(instance, kind, title, body, link):
        return False
    ledger.add(notices, **row, sent_at=now())
    return True


def tell_of_a_stopped_night(instance: Instance, ledger: Ledger, day: dt.date) -> None:
    """Tell that the last night of a date stopped, if it did: with the sentence in the ledger."""
    query = sa.select(nights).where(nights.c.business_date == day).order_by(nights.c.id.desc())
    night = ledger.row(query)
    if night is not None and night["state"] == "stopped":
        tell_of_a_failed_night(instance, ledger, day, night["sentence"])


def tell_of_a_failed_night(instance: Instance, ledger: Ledger, day: dt.date, said: str) -> None:
    """Tell that a night did not end well; the same sentence once for each date."""
    about, title = Subject(f"night {day}", said), f"the night of {day} stopped"
    notify_once(instance, ledger, about, "failed", title, said, _page(instance, day))


def tell_of_held_campaigns(
    instance: Instance, ledger: Ledger, day: dt.date, held: Mapping[str, str]
) -> None:
    """Tell which campaigns of a date are held, and why; not again while they are the same ones.

    Args:
        instance: whose.
        ledger: knows what has been told.
        day: the business date.
        held: the gate's sentence by campaign.
    """
    if not held:
        return
    about = Subject(f"night {day}", " ".join(sorted(held)))
    many = "1 campaign is" if len(held) == 1 else f"{len(held)} campaigns are"
    title = f"{many} held on {day}"
    body = "\n".join(f"{campaign}: {held[campaign]}" for campaign in sorted(held))
    notify_once(instance, ledger, about, "held", title, body, _page(instance, day))


def tell_of_a_release(
    instance: Instance, ledger: Ledger, kind: Kind, title: str, said: str, page: str = ""
) -> None:
    """Tell what became of a release, or what it waits for; the same thing not twice.

    Args:
        instance: whose.
        ledger: knows what has been told.
        kind: waiting, deployed, skipped or failed.
        title: what happened, in a few words.
        said: the sentence of the ledger.
        page: of the reports, such as `comparisons/2017-11-21-02.html`.
    """
    link = f"{instance.pages_url}/{page}" if instance.pages_url and page else ""
    notify_once(instance, ledger, Subject("release", said), kind, title, said, link)


def _page(instance: Instance, day: dt.date) -> str:
    where = instance.page_of(day).relative_to(instance.reports)
    return f"{instance.pages_url}/{where}" if instance.pages_url else ""


def _send(address: str, kind: Kind, title: str, text: str) -> bool:
    import apprise

    try:
        with _silent("apprise", "urllib3"):
            room: Any = apprise.Apprise()
            return bool(
                room.add(address) and room.notify(body=text, title=title, notify_type=LOOKS[kind])
            )
    except Exception:
        # Whatever a library of somebody else's does, the batch goes on.
        return False


@contextmanager
def _silent(*names: str) -> Iterator[None]:
    # What these say of a failure, or to who looks closely, quotes the address.
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
