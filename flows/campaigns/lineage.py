"""Which raw columns the chosen customers of a campaign depend on, read from dbt's own graph.

Every model's SQL, as the build ran it, is followed from the raw tables down: for each of its
columns, and for which rows it has. A campaign depends on what decides its audience, each rule that
it passes, and its message. Where that cannot be read it depends on everything: hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flows.campaigns.clauses import Untraceable
from flows.campaigns.graph import AUDIENCE, REF, VIEW, Graph
from flows.campaigns.traces import ROWS, Raw, Trace, joined

KEY = "customer_id"
RULE = "eligibility_"
TARGETS, CONTENT = "campaign_targets", "campaign_messages"
# What an audience decides; the rest of it is only told, as the reason.
DECIDES = ("campaign_id", KEY)
RULES_IN_WORDS = {"content": "its message", "choice": "how customers are chosen"}
UNTRACEABLE = "what cannot be traced"


@dataclass(frozen=True)
class Reads:
    """What one campaign depends on, by the attribute or the rule through which it does.

    Args:
        attributes: attributes of the view that decide who is in its audience.
        rules: the rules that it passes, and `content`, its message.
        told: attributes that only its reason names: who gets it does not depend on them.
    """

    campaign_id: str
    attributes: Mapping[str, Trace]
    rules: Mapping[str, Trace]
    told: Mapping[str, Trace] = field(default_factory=dict)

    @property
    def depends(self) -> frozenset[Raw]:
        """Every raw column that its chosen customers or their messages depend on."""
        return joined([*self.attributes.values(), *self.rules.values()]).depends

    @property
    def tables(self) -> frozenset[str]:
        """Every raw table that its chosen customers or their messages depend on."""
        return frozenset(raw.table for raw in self.depends)

    def through(self, table: str) -> list[str]:
        """Return the attributes and rules through which a raw table reaches the campaign.

        Those that are made of its columns come first, and name them where they are few.
        """
        attributes = [
            (name == KEY, not made_of, name, made_of)
            for name, found in self.attributes.items()
            if table in found.tables
            for made_of in [sorted(str(r) for r in found.made_of if r.table == table)]
        ]
        told = [
            f"{name} (from {' and '.join(made_of)})" if 0 < len(made_of) <= 2 else name
            for _, _, name, made_of in sorted(attributes)
        ]
        # The key says least of all: every attribute is joined by it.
        telling = [name for name in told if name.split(" ")[0] != KEY] or told
        rules = sorted(name for name, found in self.rules.items() if table in found.tables)
        return [*telling, *(RULES_IN_WORDS.get(name, f"the rule {name}") for name in rules)]


def read(graph: Graph) -> dict[str, Reads]:
    """Return what each campaign reads, by campaign id."""
    rules = _rules(graph)
    return {
        name.removeprefix(AUDIENCE): _of_audience(graph, name, rules)
        for name in graph.models(AUDIENCE)
    }


def _rules(graph: Graph) -> dict[str, Trace]:
    rules = {
        name.removeprefix(RULE): joined(graph.spread(name, each) for each in (ROWS, *DECIDES))
        for name in graph.models(RULE)
    }
    try:
        content = graph.step(CONTENT, without=TARGETS).everything
        rules["content"] = graph.in_raw_columns(content)
    except Untraceable:
        rules["content"] = graph.everything
    # What decides beside the rules, should the models that put them together ever read more.
    columns = ("campaign_id", KEY, "occurrence_date", "channel", "status")
    choice = joined(graph.spread(TARGETS, each) for each in (ROWS, *columns))
    more = choice.depends - joined(rules.values()).depends
    return rules | ({"choice": Trace().under(more)} if more else {})


def _of_audience(graph: Graph, audience: str, rules: Mapping[str, Trace]) -> Reads:
    campaign_id = audience.removeprefix(AUDIENCE)
    try:
        step = graph.step(audience)
        decides = step.rows.union(*(step.columns[name].depends for name in DECIDES))
    except (Untraceable, KeyError):
        return Reads(campaign_id, {UNTRACEABLE: graph.everything}, rules)
    attributes = _by_attribute(graph, decides)
    told = _by_attribute(graph, step.everything.depends - decides)
    only = {name: found for name, found in told.items() if name not in attributes}
    return Reads(campaign_id, attributes, rules, only)


def _by_attribute(graph: Graph, read: frozenset[Raw]) -> dict[str, Trace]:
    found: dict[str, Trace] = {}
    for each in sorted(read):
        # The customers of the view are its key.
        column = KEY if each.column == ROWS else each.column
        model = each.table.removeprefix(REF)
        name = column if model == VIEW else f"{model}.{column}"
        behind = graph.in_raw_columns(Trace(frozenset([each]), frozenset([each])))
        found[name] = found.get(name, Trace()) | behind
    return found
