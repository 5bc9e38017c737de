"""What differs in the view itself, against what is declared: customers, attributes, consents.

An attribute is never a consequence of another one: each must be declared by its name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from flows.comparison.expected import Expected
from flows.comparison.finding import Finding, Kind, counted, declared_up_to, percent, share_of
from flows.comparison.result import VIEW, AttributeChange, Comparison, RelationChange


def of_consents(comparison: Comparison) -> Iterator[Finding]:
    """Judge who turned contactable on whose word: without a yes nobody may."""
    for each in comparison.reachability:
        if each.without_consent:
            yield Finding(
                kind="hard stop",
                what="consent",
                name=f"contactable_{each.channel}",
                share=share_of(each.without_consent, comparison.customers),
                at_most=None,
                sentence=f"{counted(each.without_consent, 'customer')} turned contactable by "
                f"{each.channel} without a consent: the build before knows no yes of theirs. "
                "Look at customer_consents and customer_reachability in the new release.",
            )


def of_customers(view: RelationChange, expected: Expected) -> Iterator[Finding]:
    """Judge customers who are gone from the view, or new in it."""
    before = view.rows_before or 0
    told = (
        ("gone from", view.only_before, expected.customers.gone_at_most, "hard stop"),
        ("new in", view.only_after, expected.customers.new_at_most, "unexplained"),
    )
    for words, count, at_most, otherwise in told:
        share = share_of(count, before)
        kind = "declared" if share <= at_most else otherwise
        if count:
            yield Finding.model_validate(
                {
                    "kind": kind,
                    "what": "customers",
                    "name": f"customers {words} the view",
                    "share": share,
                    "at_most": at_most or None,
                    "sentence": f"{counted(count, 'customer')} ({percent(share)}) "
                    f"{'is' if count == 1 else 'are'} {words} the view; "
                    f"{declared_up_to(at_most) if at_most else 'no request declares any'}. "
                    "Look at customer_identity and at who is merged or closed.",
                }
            )


def of_attributes(
    view: RelationChange, expected: Expected, names: Collection[str]
) -> Iterator[Finding]:
    """Judge each attribute that changed, or should have; `names` are those of the new view."""
    changed = {each.name: each for each in view.attributes}
    for each in view.attributes:
        yield _attribute(each, expected)
    new = {each.name for each in view.columns.added}
    for name, wanted in expected.attributes.items():
        if name not in names:
            yield Finding(
                kind="out of bounds",
                what="attribute",
                name=name,
                share=None,
                at_most=wanted.share_at_most,
                sentence=f"{name} is declared to change ({wanted.why}), and the new view has no "
                "such attribute. Is its name right?",
            )
        elif name not in changed and name not in new and wanted.share_at_least > 0:
            yield Finding(
                kind="out of bounds",
                what="attribute",
                name=name,
                share=0.0,
                at_most=wanted.share_at_most,
                sentence=f"{name} is declared to change for {percent(wanted.share_at_least)} or "
                f"more ({wanted.why}), and changed for nobody. Is its change in the release?",
            )


def _attribute(found: AttributeChange, expected: Expected) -> Finding:
    wanted = expected.attributes.get(found.name)
    said = f"{found.name} changed for {found.changed:,} ({percent(found.share)})"
    kind: Kind = "unexplained"
    if wanted is None:
        sentence = (
            f"{said}; no request declares it. Look at its examples, and at what it is made of."
        )
    elif wanted.share_at_least <= found.share <= wanted.share_at_most:
        kind, sentence = (
            "declared",
            f"{said}, {declared_up_to(wanted.share_at_most)}: {wanted.why}.",
        )
    else:
        kind = "out of bounds"
        bounds = f"{percent(wanted.share_at_least)} to {percent(wanted.share_at_most)}"
        sentence = f"{said}; declared are {bounds}: {wanted.why}."
    return Finding(
        kind=kind,
        what="attribute",
        name=found.name,
        share=found.share,
        at_most=wanted.share_at_most if wanted else None,
        sentence=sentence,
    )


def of_columns(relation: RelationChange, expected: Expected) -> Iterator[Finding]:
    """Judge columns that came, went, or have another type or place."""
    wanted, schema = expected.columns, relation.columns
    told = (
        ("is new", [each.name for each in schema.added], wanted.new),
        ("is gone", [each.name for each in schema.removed], wanted.removed),
        ("has another type", [each.name for each in schema.retyped], wanted.retyped),
        ("stands in another place", list(schema.moved), wanted.moved),
    )
    for words, names, declared in told:
        for column in names:
            name = column if relation.relation == VIEW else f"{relation.relation}.{column}"
            allowed = name in declared or relation.relation in expected.relations
            yield Finding(
                kind="declared" if allowed else "unexplained",
                what="column",
                name=name,
                share=None,
                at_most=None,
                sentence=f"The column {name} {words}, "
                f"{'as declared' if allowed else 'and no request declares it'}.",
            )
