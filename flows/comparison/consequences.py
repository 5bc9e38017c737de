"""What hangs on what a release declares, by the SQL of the build: is a difference a consequence?

Followed from column to column through all models, from what differs up to the declared attributes.
What cannot be followed is nobody's consequence: it must be declared itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flows.campaigns.clauses import Untraceable
from flows.campaigns.graph import AUDIENCE, REF, VIEW, Graph
from flows.campaigns.traces import ROWS, Trace
from flows.comparison.parts import take_apart

RULE = "eligibility_"
DECIDES = (ROWS, "campaign_id", "customer_id")
CUSTOMERS = "the customers of the view"
Place = tuple[str, str]  # a model, and a column of it or `ROWS`


@dataclass(frozen=True)
class Roots:
    """What a release declares: attributes of the view by name, and whether customers come or go."""

    attributes: frozenset[str]
    customers: bool = False


class Consequences:
    """On which of the declared attributes a column, a relation or an audience hangs."""

    def __init__(self, graph: Graph, roots: Roots) -> None:
        self._graph = graph
        self._ends: dict[Place, str] = {(VIEW, name): name for name in roots.attributes}
        self._steps: dict[Place, frozenset[Place]] = {}
        parts = take_apart(graph.sql(VIEW))
        # Others read the section that an attribute comes from, and not the view.
        for name, written in parts.columns.items() if parts else ():
            if name in roots.attributes and written.straight and parts:
                section = parts.sections[next(iter(written.aliases))]
                self._ends[section.relation.split(".")[1], written.straight] = name
        if roots.customers and parts:
            self._ends[VIEW, ROWS] = CUSTOMERS
            self._ends[parts.inner[0].relation.split(".")[1], ROWS] = CUSTOMERS

    def of(
        self, model: str, columns: Iterable[str], without: frozenset[str] = frozenset()
    ) -> list[str]:
        """Return what is declared above some columns of a model, or above `ROWS`, its rows.

        Args:
            without: models that are not followed.
        """
        found: set[str] = set()
        waiting: list[Place] = [(model, column) for column in columns]
        seen = set(waiting)
        while waiting:
            place = waiting.pop()
            if place in self._ends:
                found.add(self._ends[place])
                continue
            new = {each for each in self._above(place) if each[0] not in without} - seen
            seen |= new
            waiting += new
        return sorted(found)

    def of_any(self, model: str) -> list[str]:
        """Return what is declared above anything of a model."""
        try:
            columns = list(self._graph.step(model).columns)
        except Untraceable:
            return []
        return self.of(model, [ROWS, *columns])

    def of_campaign(self, campaign_id: str) -> list[str]:
        """Return what is declared above who is chosen: by its own audience and rules, else at all.

        Campaigns compete for customers, so one may move because another one did.
        """
        audience = f"{AUDIENCE}{campaign_id}"
        if not self.knows_campaign(campaign_id):
            return []
        others = frozenset(self._graph.models(AUDIENCE)) - {audience}
        for without in (others, frozenset[str]()):
            found = set(self.of(audience, DECIDES, without))
            for rule in self._graph.models(RULE):
                found |= set(self.of(rule, DECIDES, without))
            if found:
                return sorted(found)
        return []

    def knows_campaign(self, campaign_id: str) -> bool:
        """True where the build has an audience of that campaign."""
        return f"{AUDIENCE}{campaign_id}" in self._graph.models(f"{AUDIENCE}{campaign_id}")

    def _above(self, place: Place) -> frozenset[Place]:
        if place not in self._steps:
            self._steps[place] = self._look(*place)
        return self._steps[place]

    def _look(self, model: str, column: str) -> frozenset[Place]:
        try:
            step = self._graph.step(model)
        except Untraceable:
            return frozenset()
        found = Trace().under(step.rows) if column == ROWS else step.column(column) or Trace()
        return frozenset(
            (raw.table.removeprefix(REF), raw.column)
            for raw in found.depends
            if raw.table.startswith(REF)
        )
