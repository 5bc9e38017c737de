"""Which relations cannot differ, and so need not be read.

A table is told by its fingerprint and its columns. A view is a function of what it reads: where its
SQL is the same in both builds and nothing above it differs, nor does it. What names the build
itself never counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flows.comparison.sides import Side, Sides


class Clean:
    """Answers for each relation whether it can differ; every one is looked at once."""

    def __init__(self, sides: Sides) -> None:
        self._sides = sides
        self._names = {
            node["unique_id"]: name
            for side in (sides.before, sides.after)
            for name, node in side.nodes.items()
        }
        self._known: dict[str, bool] = {}

    def __call__(self, relation: str) -> bool:
        """Return True where `schema.name` is the same in both builds, without reading a view."""
        if relation not in self._known:
            self._known[relation] = self._is_clean(relation)
        return self._known[relation]

    def _is_clean(self, relation: str) -> bool:
        one, other = self._sides.before, self._sides.after
        if relation not in one.columns or relation not in other.columns:
            return False
        if list(one.columns[relation].items()) != list(other.columns[relation].items()):
            return False
        if relation in one.views and relation in other.views:
            return self._view(relation)
        if relation in one.views or relation in other.views:
            return False
        return one.fingerprint(relation) == other.fingerprint(relation)

    def _view(self, relation: str) -> bool:
        one = self._sides.before.nodes.get(relation, {})
        other = self._sides.after.nodes.get(relation, {})
        if not _is_model(one) or not _is_model(other):
            # A view over batches, which are never written to: it is its files.
            return self._sides.before.views[relation] == self._sides.after.views[relation]
        if not _sql(one) or _sql(one) != _sql(other):
            return False
        return all(self(parent) for parent in self._parents(one) | self._parents(other))

    def _parents(self, node: Mapping[str, Any]) -> set[str]:
        return {self._names.get(each, each) for each in node["depends_on"]["nodes"]}


def _is_model(node: Mapping[str, Any]) -> bool:
    return node.get("resource_type") == "model"


def _sql(node: Mapping[str, Any]) -> str:
    return " ".join(str(node.get("compiled_code") or "").split())


def is_view(relation: str, *sides: Side) -> bool:
    """True where any of the builds holds it as a view."""
    return any(relation in side.views for side in sides)
