"""Which raw tables the chosen customers of a campaign depend on, read from dbt's own graph.

An audience reads columns of the view; the view takes each column from a section; a section
depends on raw tables through the models above it. The rules and the message's content count too.
Where it cannot be read, a campaign depends on everything: where lineage is unknown, hold.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

VIEW = "single_customer_view"
KEY = "customer_id"
# What every campaign passes through; beyond these stand the other campaigns' audiences.
MEETING_POINTS = frozenset({"campaign_candidates", "campaign_exclusions", "campaign_targets"})
CONTENT = "campaign_messages"


@dataclass(frozen=True)
class Reads:
    """What one campaign reads: raw tables by the attribute or rule that reads them."""

    campaign_id: str
    attributes: Mapping[str, frozenset[str]]
    rules: Mapping[str, frozenset[str]]

    def through(self, table: str) -> list[str]:
        """Return the attributes and rules through which a raw table reaches the campaign."""
        attributes = [name for name, tables in self.attributes.items() if table in tables]
        rules = [f"the rule {name}" for name, tables in self.rules.items() if table in tables]
        # The key says least of all: every attribute is joined by it.
        telling = [name for name in sorted(attributes) if name != KEY] or attributes
        return [*telling, *sorted(rules)]


class Graph:
    """dbt's manifest of one build, asked about raw tables and columns."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._nodes = {
            node["name"]: node
            for node in manifest["nodes"].values()
            if node["resource_type"] in ("model", "seed")
        }
        self._names = {key: node["name"] for key, node in manifest["nodes"].items()}
        self.all_tables = frozenset(
            source["name"]
            for source in manifest["sources"].values()
            if source["source_name"] == "raw"
        )

    @classmethod
    def read(cls, path: Path) -> Graph:
        """Read a `manifest.json` that a build left."""
        return cls(json.loads(path.read_text()))

    def models(self, prefix: str) -> list[str]:
        """Return the models whose name starts with a prefix."""
        return sorted(name for name in self._nodes if name.startswith(prefix))

    def parents(self, model: str) -> list[str]:
        """Return the models, seeds and raw tables (`raw.<table>`) that a model reads."""
        found = []
        for key in self._nodes[model].get("depends_on", {}).get("nodes", []):
            kind, _, *rest = key.split(".")
            if kind == "source" and rest[0] == "raw":
                found.append(f"raw.{rest[1]}")
            elif kind in ("model", "seed"):
                found.append(self._names[key])
        return found

    def raw_tables(self, model: str) -> frozenset[str]:
        """Return the raw tables above a model, without passing through a meeting point."""
        return self._raw_tables(model)

    @cache  # noqa: B019  (a graph lives as long as its cache)
    def _raw_tables(self, model: str) -> frozenset[str]:
        found: set[str] = set()
        for parent in self.parents(model):
            if parent.startswith("raw."):
                found.add(parent.removeprefix("raw."))
            elif parent not in MEETING_POINTS:
                found |= self._raw_tables(parent)
        return frozenset(found)

    def view_columns(self) -> Mapping[str, frozenset[str]]:
        """Return the sections (or other models) that each column of the view is computed from."""
        return self._view_columns()

    @cache  # noqa: B019
    def _view_columns(self) -> Mapping[str, frozenset[str]]:
        tree = sqlglot.parse_one(self._sql(VIEW), dialect="duckdb")
        imports = _imports(tree)
        final = next(cte.this for cte in tree.find_all(exp.CTE) if cte.alias == "final")
        return {
            projection.alias_or_name: frozenset(
                imports[column.table]
                for column in projection.find_all(exp.Column)
                if column.table in imports
            )
            for projection in final.selects
        }

    def columns_read(self, model: str) -> frozenset[str]:
        """Return the columns of the view that a model's SQL names."""
        tree = sqlglot.parse_one(self._sql(model), dialect="duckdb")
        named = {column.name for column in tree.find_all(exp.Column)}
        return frozenset(named & set(self.view_columns()))

    def description(self, model: str) -> str:
        """Return what a model says of itself."""
        return str(self._nodes[model]["description"]).strip()

    def column_description(self, column: str) -> str:
        """Return what the view says of a column."""
        return " ".join(str(self._nodes[VIEW]["columns"][column]["description"]).split())

    def data_type(self, column: str) -> str:
        """Return the type of a column of the view, by its contract."""
        return str(self._nodes[VIEW]["columns"][column]["data_type"])

    def _sql(self, model: str) -> str:
        return str(self._nodes[model]["compiled_code"])


def read(graph: Graph) -> dict[str, Reads]:
    """Return what each campaign reads, by campaign id."""
    rules = {
        name.removeprefix("eligibility_"): graph.raw_tables(name)
        for name in graph.models("eligibility_")
    }
    rules["content"] = graph.raw_tables(CONTENT)
    return {
        name.removeprefix("audience_"): _of_audience(graph, name, rules)
        for name in graph.models("audience_")
    }


def _of_audience(graph: Graph, audience: str, rules: Mapping[str, frozenset[str]]) -> Reads:
    campaign_id = audience.removeprefix("audience_")
    try:
        attributes = {
            column: frozenset().union(
                *(graph.raw_tables(section) for section in graph.view_columns()[column])
            )
            for column in graph.columns_read(audience)
        }
    except (SqlglotError, KeyError, StopIteration):
        return Reads(campaign_id, {"what cannot be traced": graph.all_tables}, rules)
    for parent in graph.parents(audience):
        if parent != VIEW:
            attributes[parent] = graph.raw_tables(parent)
    return Reads(campaign_id, attributes, rules)


def _imports(tree: exp.Expr) -> dict[str, str]:
    """Return CTE alias → model for the CTEs that only import a model."""
    found = {}
    for cte in tree.find_all(exp.CTE):
        table = cte.this.args.get("from_") or cte.this.args.get("from")
        if cte.this.is_star and table is not None and isinstance(table.this, exp.Table):
            found[cte.alias] = table.this.name
    return found
