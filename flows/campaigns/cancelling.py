"""A person decides that one campaign of one date does not go out any more."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from flows.errors import SettingsWrong
from flows.ledger import Ledger, cancellations, decisions, now, occurrences


def cancel(ledger: Ledger, campaign_id: str, day: dt.date, who: str, why: str) -> None:
    """Write down that a campaign is cancelled; a second time changes nothing.

    Raises:
        SettingsWrong: when it was not due on that date, or is out.
    """
    known = (decisions.c.campaign_id == campaign_id) & (decisions.c.business_date == day)
    if ledger.row(sa.select(decisions.c.id).where(known)) is None:
        raise SettingsWrong(
            f"The gate was not asked about a campaign {campaign_id} of {day}. "
            f"What was due then: scv status {day}"
        )
    begun = (occurrences.c.campaign_id == campaign_id) & (occurrences.c.business_date == day)
    if ledger.row(sa.select(occurrences.c.state).where(begun)) is not None:
        raise SettingsWrong(
            f"{campaign_id} of {day} has been handed to its channel: only the channel can stop it, "
            f"and say so in its receipt__{day}.json."
        )
    if campaign_id not in cancelled(ledger, day):
        told = {"campaign_id": campaign_id, "business_date": day, "who": who, "why": why}
        ledger.add(cancellations, made_at=now(), **told)


def cancelled(ledger: Ledger, day: dt.date) -> set[str]:
    """Return the campaigns of a date that do not go out any more."""
    query = sa.select(cancellations.c.campaign_id).where(cancellations.c.business_date == day)
    return {str(row["campaign_id"]) for row in ledger.rows(query)}
