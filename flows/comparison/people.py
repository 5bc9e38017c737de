"""Who is chosen for which campaign, and who may be written to, in the two builds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flows.comparison.clean import Clean
from flows.comparison.result import AudienceChange, ReachabilityChange
from flows.comparison.rows import EXAMPLES
from flows.comparison.sides import Side, Sides
from flows.intake.casting import identifier, literal

TARGETS, DUE = "campaigns.campaign_targets", "campaigns.campaigns_due"
REACHABILITY = "marts.customer_reachability"
CONSENTS = "intermediate.int_consents_resolved"
FLAG, ANY = "contactable_", "contactable_any"
KINDS = ("chosen", "control")
Told = tuple[int, int, Sequence[Any], Sequence[Any]]


def compare_audiences(sides: Sides, clean: Clean) -> tuple[AudienceChange, ...]:
    """Return each campaign due in either build with who joined and who left its audience."""
    before, after = _counted(sides.before), _counted(sides.after)
    moved = (
        {}
        if clean(TARGETS) or not _both_have(sides, TARGETS)
        else {kind: _moved(sides, kind) for kind in KINDS}
    )
    channels = _channels(sides.before) | _channels(sides.after)
    nobody: Told = (0, 0, (), ())
    found = []
    for name, channel in sorted(channels.items()):
        chosen = moved.get("chosen", {}).get(name, nobody)
        control = moved.get("control", {}).get(name, nobody)
        found.append(
            AudienceChange(
                campaign_id=name,
                channel=channel,
                before=before.get((name, "chosen"), 0),
                after=after.get((name, "chosen"), 0),
                joined=chosen[0],
                left=chosen[1],
                control_before=before.get((name, "control"), 0),
                control_after=after.get((name, "control"), 0),
                control_joined=control[0],
                control_left=control[1],
                joined_examples=tuple(sorted(chosen[2] or ())),
                left_examples=tuple(sorted(chosen[3] or ())),
            )
        )
    return tuple(found)


def compare_reachability(sides: Sides, clean: Clean) -> tuple[ReachabilityChange, ...]:
    """Return for each channel who turned contactable, who did not stay so, and on whose word."""
    found = []
    for channel in _channels_of(sides):
        before = _contactable(sides.before, channel)
        after = before if clean(REACHABILITY) else _contactable(sides.after, channel)
        told: dict[str, Any] = {"channel": channel, "before": before, "after": after}
        found.append(ReachabilityChange(**told, **_turned(sides, clean, channel)))
    return tuple(found)


def _channels_of(sides: Sides) -> list[str]:
    """Every channel that either build knows, in the order of its columns."""
    columns = [
        *sides.after.columns.get(REACHABILITY, {}),
        *sides.before.columns.get(REACHABILITY, {}),
    ]
    flags = [name for name in columns if name.startswith(FLAG) and name != ANY]
    return [name.removeprefix(FLAG) for name in dict.fromkeys(flags)]


def _contactable(side: Side, channel: str) -> int:
    if FLAG + channel not in side.columns.get(REACHABILITY, {}):
        return 0
    count = f"count(*) filter (where {identifier(FLAG + channel)})"
    return int(side.measured(count, REACHABILITY)[0])


def _flags(side: Side, channel: str) -> str:
    """Who is contactable on a channel, for SQL; nobody where the build does not know of it."""
    if FLAG + channel not in side.columns.get(REACHABILITY, {}):
        return "(select cast(null as bigint) as customer_id where false)"
    flag = identifier(FLAG + channel)
    return f"(select customer_id from {side.of(REACHABILITY)} where {flag})"


def _channels(side: Side) -> dict[str, str]:
    due = side.rows("campaign_id, channel", DUE)
    return dict(side.rows("distinct campaign_id, channel", TARGETS)) | dict(due)


def _both_have(sides: Sides, relation: str) -> bool:
    return relation in sides.before.columns and relation in sides.after.columns


def _counted(side: Side) -> dict[tuple[str, str], int]:
    rows = side.rows("campaign_id, status, count(*)", TARGETS, "group by all")
    return {(campaign, status): count for campaign, status, count in rows}


def _moved(sides: Sides, kind: str) -> dict[str, Told]:
    def of(side: Side) -> str:
        return f"(select campaign_id, customer_id from {side.of(TARGETS)} where status = '{kind}')"

    joined, left = "b.customer_id is null", "a.customer_id is null"
    who = f"min_by(customer_id, hash(customer_id), {EXAMPLES}) filter"
    rows = sides.ask(
        f"select campaign_id, count(*) filter (where {joined}), count(*) filter (where {left}), "
        f"{who} (where {joined}), {who} (where {left}) from {of(sides.before)} as b "
        f"full join {of(sides.after)} as a using (campaign_id, customer_id) group by all"
    )
    return {row[0]: row[1:] for row in rows}


def _turned(sides: Sides, clean: Clean, channel: str) -> dict[str, Any]:
    nobody: dict[str, Any] = {"turned_on": 0, "turned_off": 0, "without_consent": 0}
    if clean(REACHABILITY):
        return nobody
    sides.connection.execute(
        "create or replace temp table turned as "
        "select customer_id, b.customer_id is null as is_on "
        f"from {_flags(sides.before, channel)} as b "
        f"full join {_flags(sides.after, channel)} as a using (customer_id) "
        "where b.customer_id is null or a.customer_id is null"
    )
    turned_on, turned_off = sides.ask(
        "select count(*) filter (where is_on), count(*) filter (where not is_on) from turned"
    )[0]
    if not turned_on:
        return nobody | {"turned_off": turned_off}
    # Who is new here is told by the build before too: where that knows no yes, there is none.
    count, examples = sides.ask(
        f"select count(*), min_by(customer_id, hash(customer_id), {EXAMPLES}) from turned "
        f"where is_on and not ({_yes(sides.before, channel)} and {_yes(sides.before, 'global')})"
    )[0]
    return {
        "turned_on": turned_on,
        "turned_off": turned_off,
        "without_consent": count,
        "without_consent_examples": tuple(sorted(examples or ())),
    }


def _yes(side: Side, channel: str) -> str:
    if CONSENTS not in side.columns:
        return "false"
    return (
        f"customer_id in (select customer_id from {side.of(CONSENTS)} "
        f"where channel = {literal(channel)} and is_opt_in)"
    )
