"""What became of a business date, read from the ledger alone: plain facts for people and pages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from flows.ledger import (
    Ledger,
    Row,
    builds,
    decisions,
    deliveries,
    drifts,
    findings,
    nights,
    occurrences,
    overrides,
    pins,
)


@dataclass(frozen=True)
class TableLine:
    """One raw table on a business date."""

    table: str
    state: str
    accepted: int | None
    quarantined: int | None
    checks: int
    failed: int
    sentence: str


@dataclass(frozen=True)
class CampaignLine:
    """One campaign due on a business date."""

    campaign_id: str
    channel: str
    verdict: str  # sent | held | waiting
    chosen: int
    control: int | None
    sentence: str


@dataclass(frozen=True)
class DaySummary:
    """Everything a person asks of a business date."""

    business_date: dt.date
    night: Row | None
    build: Row | None
    tables: Sequence[TableLine]
    campaigns: Sequence[CampaignLine]
    overrides: Sequence[Row]
    drifts: Sequence[Row]


def read_day(ledger: Ledger, day: dt.date) -> DaySummary:
    """Return what became of a business date."""
    night = ledger.row(
        sa.select(nights).where(nights.c.business_date == day).order_by(nights.c.id.desc())
    )
    build = ledger.row(
        sa.select(builds).where(builds.c.business_date == day).order_by(builds.c.build_id.desc())
    )
    told = _tables(ledger, day, build), _campaigns(ledger, day)
    return DaySummary(day, night, build, *told, _overrides(ledger, day), _drifts(ledger, day))


def latest_day(ledger: Ledger) -> dt.date | None:
    """Return the business date that was last worked on."""
    found = ledger.row(sa.select(nights.c.business_date).order_by(nights.c.id.desc()))
    return found["business_date"] if found else None


def latest_night(ledger: Ledger) -> int | None:
    """Return the key of the last night that was begun."""
    found = ledger.row(sa.select(nights.c.id).order_by(nights.c.id.desc()))
    return int(found["id"]) if found else None


def _tables(ledger: Ledger, day: dt.date, build: Row | None) -> list[TableLine]:
    told = _verdicts(ledger, build)
    newest: dict[str, Row] = {}
    query = sa.select(deliveries).where(deliveries.c.business_date == day)
    query = query.where(deliveries.c.state != "withdrawn")
    for row in ledger.rows(query.order_by(deliveries.c.table_name, deliveries.c.version)):
        newest[row["table_name"]] = row
    lines = [_line(ledger, row, told.get(table, "")) for table, row in newest.items()]
    return lines + [_not_due(table) for table in sorted(told.keys() - newest.keys())]


def _verdicts(ledger: Ledger, build: Row | None) -> dict[str, str]:
    if build is None:
        return {}
    query = sa.select(pins.c.table_name, pins.c.sentence)
    rows = ledger.rows(query.where(pins.c.build_id == build["build_id"]))
    return {row["table_name"]: row["sentence"] for row in rows}


def _not_due(table: str) -> TableLine:
    # Of what is not due nothing is written down but that the build used what there was.
    return TableLine(table, "not_due", None, None, 0, 0, "not due on that day, by its calendar")


def _line(ledger: Ledger, row: Row, verdict: str) -> TableLine:
    query = sa.select(findings.c.outcome).where(findings.c.delivery_id == row["id"])
    outcomes = [found["outcome"] for found in ledger.rows(query)]
    return TableLine(
        row["table_name"],
        row["state"],
        row["rows_accepted"],
        row["rows_quarantined"],
        len(outcomes),
        sum(outcome != "passed" for outcome in outcomes),
        "; ".join(_in_words(row, verdict)),
    )


def _in_words(row: Row, verdict: str) -> list[str]:
    # A verdict repeats what is wrong; one that was made before something else came does not.
    # What arrived and is stale all the same lacks an earlier day.
    lacks = f"{row['table_name']} for " in verdict and "never came" in verdict
    told = lacks or row["state"] not in ("arrived", "late")
    said = [verdict] if verdict and told else []
    if row["sentence"].rstrip(".") not in verdict or not said:
        said.append(row["sentence"])
    if row["rows_changed"] is not None:
        said.append(f"{row['rows_changed']:,} rows of the snapshot changed")
    if row["came_again_at"] is not None:
        said.append(f"the same bytes came again and were ignored, {row['came_again_at']:%H:%M} UTC")
    return [each for each in said if each]


def _overrides(ledger: Ledger, day: dt.date) -> list[Row]:
    query = sa.select(overrides).where(overrides.c.business_date == day)
    return ledger.rows(query.order_by(overrides.c.id))


def _drifts(ledger: Ledger, day: dt.date) -> list[Row]:
    query = (
        sa.select(deliveries.c.table_name, deliveries.c.version, drifts)
        .join(drifts, drifts.c.delivery_id == deliveries.c.id)
        .where(deliveries.c.business_date == day)
    )
    return ledger.rows(query.order_by(deliveries.c.table_name, drifts.c.id))


def _campaigns(ledger: Ledger, day: dt.date) -> list[CampaignLine]:
    sent = {
        row["campaign_id"]: row
        for row in ledger.rows(sa.select(occurrences).where(occurrences.c.business_date == day))
    }
    query = sa.select(decisions).where(decisions.c.business_date == day).order_by(decisions.c.id)
    decided = {row["campaign_id"]: row for row in ledger.rows(query)}
    return [_campaign(row, sent.get(campaign)) for campaign, row in decided.items()]


def _campaign(decision: Row, occurrence: Row | None) -> CampaignLine:
    if occurrence is None:
        verdict = "held" if decision["verdict"] == "held" else "waiting"
        named = decision["campaign_id"], decision["channel"]
        return CampaignLine(*named, verdict, decision["chosen"], None, decision["sentence"])
    return CampaignLine(
        occurrence["campaign_id"],
        occurrence["channel"],
        occurrence["state"],
        occurrence["chosen"],
        occurrence["control"],
        "",
    )
