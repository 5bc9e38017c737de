"""Which campaigns of tonight may go out: the policies decided, the gate only looks it up.

A campaign is held when a table on hold reaches its audience, a rule it passes or its content.
Each decision is a row of the ledger with its reason in a sentence.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import sqlalchemy as sa

from flows.campaigns.lineage import Reads
from flows.contracts.policy import Verdict
from flows.ledger import Ledger, decisions, now


@dataclass(frozen=True)
class Due:
    """A campaign that is due, as a build chose its customers."""

    campaign_id: str
    label: str
    channel: str
    chosen: int
    control: int
    excluded: int
    run_anyway: bool = False


@dataclass(frozen=True)
class Decision:
    """Whether a due campaign goes out, and why not."""

    due: Due
    verdict: str  # go | held
    sentence: str


def campaigns_due(build: Path) -> list[Due]:
    """Return the campaigns due in a build with the sizes of their audiences, by priority."""
    with duckdb.connect(str(build), read_only=True) as connection:
        found = connection.execute(
            """
            select
                due.campaign_id, due.label, due.channel,
                count(*) filter (where targets.status = 'chosen'),
                count(*) filter (where targets.status = 'control'),
                count(*) filter (where targets.status = 'excluded'),
                coalesce(any_value(campaign.run_anyway), false)
            from campaigns.campaigns_due as due
            left join decisions.campaigns as campaign using (campaign_id)
            left join campaigns.campaign_targets as targets using (campaign_id)
            group by due.campaign_id, due.label, due.channel, due.priority
            order by due.priority
            """
        ).fetchall()
    return [Due(*row) for row in found]


def due_on(build: Path, due_sql: str, day: dt.date) -> list[Due]:
    """Return the campaigns due on a date that a build may not be for; their sizes are not known.

    Args:
        build: a build, with the campaigns as they were decided.
        due_sql: what its model `campaigns_due` ran; its clock stands there as a literal.
        day: the date to ask about.
    """
    with duckdb.connect(str(build), read_only=True) as connection:
        built_for = connection.execute("select business_date from raw.build").fetchall()[0][0]
        query = due_sql.replace(f"date '{built_for}'", f"date '{day}'")
        found = connection.execute(
            f"select due.campaign_id, due.label, due.channel, coalesce(run_anyway, false) "
            f"from ({query}) as due left join decisions.campaigns using (campaign_id) "
            "order by due.priority"
        ).fetchall()
    return [Due(name, label, on, 0, 0, 0, anyway) for name, label, on, anyway in found]


def decide(
    due: Sequence[Due], reads: Mapping[str, Reads], verdicts: Sequence[Verdict], day: dt.date
) -> list[Decision]:
    """Return a decision on each due campaign. Pure."""
    return [_decide(each, reads.get(each.campaign_id), verdicts, day) for each in due]


def _decide(due: Due, reads: Reads | None, verdicts: Sequence[Verdict], day: dt.date) -> Decision:
    for verdict in sorted(verdicts, key=lambda verdict: verdict.hold != "everything"):
        if verdict.hold == "nothing":
            continue
        if verdict.hold == "everything" and due.run_anyway and not verdict.holds_every_send:
            continue
        through = reads.through(verdict.table) if reads else ["what cannot be traced"]
        if verdict.hold == "dependent" and not through:
            continue
        names = ", ".join(through[:3]) + (f" and {len(through) - 3} more" if through[3:] else "")
        because = f"it reads {names}" if through else "every campaign waits for it"
        return Decision(
            due,
            "held",
            f"{due.campaign_id} is held: {verdict.table} for {day} {verdict.found} "
            f"({verdict.by}: {verdict.policy}, {verdict.decided}); {because}. "
            f"Send the table, then run: scv run {day}",
        )
    return Decision(due, "go", " ".join(_quotes(due, reads, verdicts, day)))


def _quotes(due: Due, reads: Reads | None, verdicts: Sequence[Verdict], day: dt.date) -> list[str]:
    """Say of each override that a campaign goes out under what it is."""
    return [
        f"{due.campaign_id} goes under an override: {verdict.table} for {day} {verdict.found} "
        f"({verdict.policy}, {verdict.decided})."
        for verdict in verdicts
        if verdict.overridden and (reads is None or reads.through(verdict.table))
    ]


def write_down(ledger: Ledger, build_id: str, day: dt.date, decided: Sequence[Decision]) -> None:
    """Write the decisions of a build, each once: asking again adds only what has changed."""
    query = sa.select(decisions).where(decisions.c.build_id == build_id).order_by(decisions.c.id)
    known = {row["campaign_id"]: (row["verdict"], row["sentence"]) for row in ledger.rows(query)}
    with ledger.write() as connection:
        for each in decided:
            if known.get(each.due.campaign_id) == (each.verdict, each.sentence):
                continue
            connection.execute(
                sa.insert(decisions).values(
                    business_date=day,
                    build_id=build_id,
                    campaign_id=each.due.campaign_id,
                    channel=each.due.channel,
                    verdict=each.verdict,
                    chosen=each.due.chosen,
                    sentence=each.sentence,
                    decided_at=now(),
                )
            )
