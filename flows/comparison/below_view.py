"""What differs below the view, against what is declared or what hangs on it: audiences, tables."""

from __future__ import annotations

from collections.abc import Iterator

from flows.campaigns.traces import ROWS
from flows.comparison.consequences import Consequences
from flows.comparison.expected import Expected, ExpectedCampaign
from flows.comparison.finding import Finding, Kind, listed, percent, share_of
from flows.comparison.result import AudienceChange, Comparison, RelationChange

# It is made of the view, and says nothing that the view's own attributes do not.
PROFILES = "marts.attribute_distributions"


def of_campaigns(
    comparison: Comparison, expected: Expected, consequences: Consequences
) -> Iterator[Finding]:
    """Judge each campaign whose audience is another one."""
    for each in comparison.audiences:
        if each.differs:
            yield _campaign(each, expected.campaigns.get(each.campaign_id), consequences)
    for name in expected.campaigns:
        if not consequences.knows_campaign(name):
            yield Finding(
                kind="out of bounds",
                what="campaign",
                name=name,
                share=None,
                at_most=None,
                sentence=f"The audience of {name} is declared to move, and the new release has no "
                "such campaign. Is its name right?",
            )


def _campaign(
    found: AudienceChange, wanted: ExpectedCampaign | None, consequences: Consequences
) -> Finding:
    of = max(found.before, 1)
    joined, left = share_of(found.joined, of), share_of(found.left, of)
    said = f"The audience of {found.campaign_id}: {found.joined:,} joined, {found.left:,} left"
    if found.control_joined or found.control_left:
        moved = found.control_joined + found.control_left
        said += f", {moved:,} moved into or out of its control group"
    said += f", {found.stayed:,} stayed"
    kind: Kind
    if wanted is not None and joined <= wanted.joined_at_most and left <= wanted.left_at_most:
        kind, sentence = "declared", f"{said}, as declared."
    elif wanted is not None:
        bounds = f"{percent(wanted.joined_at_most)} joined, {percent(wanted.left_at_most)} left"
        kind, sentence = "out of bounds", f"{said}; declared are at most {bounds}."
    elif above := consequences.of_campaign(found.campaign_id):
        kind, sentence = "consequence", f"{said}. It hangs on {listed(above)}, which is declared."
    else:
        kind = "unexplained"
        sentence = f"{said}; no request declares it, and it hangs on nothing that is declared."
    share = max(joined, left)
    at_most = max(wanted.joined_at_most, wanted.left_at_most) if wanted else None
    return Finding(
        kind=kind,
        what="campaign",
        name=found.campaign_id,
        share=min(share, 1.0),
        at_most=at_most,
        sentence=sentence,
    )


def of_relation(
    found: RelationChange, view: RelationChange, expected: Expected, consequences: Consequences
) -> Iterator[Finding]:
    """Judge rows and columns of a public relation other than the view."""
    if not (found.only_before or found.only_after or found.attributes):
        return
    name = found.relation
    said = f"{name}: {_what_differs(found)}"
    kind: Kind
    if name in expected.relations:
        kind, sentence = "declared", f"{said}, as declared."
    elif name == PROFILES and view.differs:
        kind, sentence = "consequence", f"{said}. It counts the values of the view."
    elif above := _above(found, consequences):
        kind, sentence = "consequence", f"{said}. It hangs on {listed(above)}, which is declared."
    else:
        kind = "unexplained"
        sentence = f"{said}; no request declares it, and it hangs on nothing that is declared."
    rows = max(found.rows_before or 0, found.rows_after or 0, 1)
    most = max([found.only_before, found.only_after, *(e.changed for e in found.attributes)])
    yield Finding(
        kind=kind,
        what="relation",
        name=name,
        share=share_of(most, rows),
        at_most=None,
        sentence=sentence,
    )


def _above(found: RelationChange, consequences: Consequences) -> list[str]:
    """What is declared above all that differs of a relation; nothing where a part has none."""
    model = found.relation.split(".")[1]
    if not found.attributes and not found.key:
        return consequences.of_any(model)
    rows = [ROWS] if found.only_before or found.only_after else []
    told = [consequences.of(model, [each]) for each in [*rows, *(a.name for a in found.attributes)]]
    return sorted({name for each in told for name in each}) if all(told) else []


def _what_differs(found: RelationChange) -> str:
    told = []
    if found.only_before or found.only_after:
        told.append(f"{found.only_before:,} rows before only, {found.only_after:,} after only")
    if found.attributes:
        told.append(f"{listed([each.name for each in found.attributes])} changed")
    return "; ".join(told)
