"""What a person decides for one table of one night, against its contract: who, why, until when.

An override never outlives its business date, and the gate quotes it. It is bound by the same rules
about consents as a policy: it cannot widen an audience.
"""

from __future__ import annotations

import datetime as dt
from typing import get_args

import sqlalchemy as sa

from flows import clock
from flows.contracts.contract import Policy
from flows.contracts.files import read_contracts
from flows.contracts.policy import Override
from flows.errors import SettingsWrong
from flows.ledger import Ledger, now, overrides
from flows.settings import Instance


def override(
    instance: Instance, table: str, day: dt.date, policy: str, who: str, why: str, until: str
) -> str:
    """Write down an override and return it in a sentence.

    Args:
        instance: the instance whose night it is.
        table: the raw table.
        day: the business date, and the only one that it holds for.
        policy: what is done instead of what the contract says.
        who: the person who decides.
        why: the reason, for the gate and for the page of the night.
        until: time of the client's clock, such as 09:00: the next time that it is so late.

    Raises:
        SettingsWrong: for an unknown table or policy, an empty reason, or what is no time.
    """
    if table not in read_contracts():
        raise SettingsWrong(f"There is no contract for {table}: see scv check.")
    if policy not in get_args(Policy):
        raise SettingsWrong(f"'{policy}' is no policy: {', '.join(get_args(Policy))}.")
    contract = read_contracts()[table]
    if policy == "proceed_empty" and (contract.is_consent or contract.load != "delta"):
        raise SettingsWrong(
            f"{table} cannot count as empty: a day of it that did not come is not a day on which "
            "nothing was said. See docs/contracts.md."
        )
    if not who.strip() or not why.strip():
        raise SettingsWrong("An override says who decided and why: --who NAME --why REASON.")
    try:
        ends = clock.next_at(instance, until)
    except ValueError:
        raise SettingsWrong(f"'{until}' is not a time: write it as 09:00.") from None
    ledger = Ledger(instance.ledger_url)
    ledger.add(
        overrides,
        table_name=table,
        business_date=day,
        policy=policy,
        who=who.strip(),
        why=why.strip(),
        until=ends.astimezone(dt.UTC).replace(tzinfo=None),
        made_at=now(),
    )
    return (
        f"{table} for {day}: {policy} until {until}, decided by {who.strip()}. "
        f"To run the night under it: scv run {day}"
    )


def in_force(instance: Instance, ledger: Ledger, day: dt.date) -> dict[str, Override]:
    """Return the newest override of each table that holds for a business date and is not over."""
    moment = clock.now(instance).astimezone(dt.UTC).replace(tzinfo=None)
    query = (
        sa.select(overrides)
        .where(overrides.c.business_date == day, overrides.c.until > moment)
        .order_by(overrides.c.id)
    )
    zone = instance.time_zone
    return {
        row["table_name"]: Override(
            row["policy"],
            row["who"],
            row["why"],
            f"{row['until'].replace(tzinfo=dt.UTC).astimezone(zone):%Y-%m-%d %H:%M}",
        )
        for row in ledger.rows(query)
    }
