"""May the other build be published? Each difference against what the release declared.

An attribute of the view is never a consequence of another one: each must be declared by name. Other
relations, and the audiences of campaigns, may hang on a declared attribute.
"""

from __future__ import annotations

from typing import Literal

from pydantic import computed_field

from flows.campaigns.graph import Graph
from flows.comparison import below_view, in_view
from flows.comparison.consequences import Consequences, Roots
from flows.comparison.expected import Expected
from flows.comparison.finding import Finding, Kind
from flows.comparison.result import VIEW, Comparison, Frozen

Verdict = Literal["equal", "declared", "needs approval", "blocked", "hard stop"]
# What stops a release comes first.
ORDER: tuple[Kind, ...] = ("hard stop", "unexplained", "out of bounds", "consequence", "declared")
WORDS: dict[Verdict, str] = {
    "equal": "The two builds are equal: nothing that others read differs.",
    "declared": "Everything that differs is declared and within its bounds, or follows from it.",
    "needs approval": "A person decides: what is declared went further, or an audience moved.",
    "blocked": "Something differs that nobody declared: mend it, declare it, or approve it.",
    "hard stop": "This must not be published, and nobody may approve it.",
}


class Judgement(Frozen):
    """What became of each difference, those that stop a release first."""

    findings: tuple[Finding, ...]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def verdict(self) -> Verdict:
        """What the release may do."""
        kinds = {each.kind for each in self.findings}
        moved = any(e.what == "campaign" and e.kind == "consequence" for e in self.findings)
        if "hard stop" in kinds:
            return "hard stop"
        if "unexplained" in kinds:
            return "blocked"
        if "out of bounds" in kinds or moved:
            return "needs approval"
        return "declared" if kinds else "equal"

    @property
    def words(self) -> str:
        """The verdict in a sentence."""
        return WORDS[self.verdict]

    @property
    def to_decide(self) -> tuple[Finding, ...]:
        """The findings that keep the release from publishing itself."""
        return tuple(
            each
            for each in self.findings
            if each.kind in ("hard stop", "unexplained", "out of bounds")
            or (each.what == "campaign" and each.kind == "consequence")
        )


def judge(comparison: Comparison, expected: Expected, after_graph: Graph) -> Judgement:
    """Hold each difference against what the release declared.

    Args:
        comparison: what differs.
        expected: what the change requests of the release declare.
        after_graph: dbt's graph of the new build, by which consequences are followed.
    """
    view, columns = comparison.view, expected.columns
    declared = {*expected.attributes, *columns.new, *columns.retyped, *columns.removed}
    customers = expected.customers.gone_at_most > 0 or expected.customers.new_at_most > 0
    moved = bool(view.only_before or view.only_after) and customers
    consequences = Consequences(after_graph, Roots(frozenset(declared), moved))
    findings = [
        *in_view.of_consents(comparison),
        *in_view.of_customers(view, expected),
        *in_view.of_attributes(view, expected, after_graph.column_names()),
        *(
            each
            for relation in comparison.relations
            for each in in_view.of_columns(relation, expected)
        ),
        *below_view.of_campaigns(comparison, expected, consequences),
        *(
            each
            for relation in comparison.changed
            if relation.relation != VIEW
            for each in below_view.of_relation(relation, view, expected, consequences)
        ),
    ]
    return Judgement(
        findings=tuple(sorted(findings, key=lambda each: (ORDER.index(each.kind), each.name)))
    )
