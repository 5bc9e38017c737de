"""dbt's graph of one build, followed column by column: models, seeds and raw tables.

Each model's SQL, as the build ran it, is read once, from the raw tables down. Seeds are decided by
us and the tables of the pins are facts of the build: no raw column stands behind them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flows.campaigns.clauses import Untraceable
from flows.campaigns.column_lineage import trace
from flows.campaigns.traces import ROWS, Raw, Relation, Trace, joined

VIEW = "single_customer_view"
AUDIENCE = "audience_"
# In a step, what stands before the name of a model that is read: no raw table is called so.
REF = "ref."
# Data tests of every build that hold a model to one row for each key.
UNIQUE = ("unique_key", "every_customer_once")


class Graph:
    """dbt's manifest of one build, asked about models, raw tables and columns."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._nodes = {
            node["name"]: node
            for node in manifest["nodes"].values()
            if node["resource_type"] in ("model", "seed")
        }
        self._sources = {
            (source["schema"], source["identifier"]): source
            for source in manifest["sources"].values()
        }
        self._places = {(n["schema"], n["alias"]): name for name, n in self._nodes.items()}
        self._keys: dict[str, list[frozenset[str]]] = {}
        for name, key in _unique_keys(manifest):
            self._keys.setdefault(name, []).append(key)
        self._relations: dict[str, Relation] = {}
        self.all_tables = frozenset(
            source["name"] for source in self._sources.values() if source["source_name"] == "raw"
        )

    @classmethod
    def read(cls, path: Path) -> Graph:
        """Read a `manifest.json` that a build left."""
        return cls(json.loads(path.read_text()))

    def models(self, prefix: str) -> list[str]:
        """Return the models whose name starts with a prefix."""
        return sorted(name for name in self._nodes if name.startswith(prefix))

    def relation(self, model: str) -> Relation:
        """Return what the rows and the columns of a model depend on, in raw columns."""
        if model not in self._relations:
            # An incremental model reads itself: what it holds came in the same way, so what is
            # found is put in its place until nothing new comes.
            found, itself = self._follow(model, Relation(rest=Trace()))
            while itself:
                before = found
                found, _ = self._follow(model, before)
                itself = (found.rows, found.columns) != (before.rows, before.columns)
            self._relations[model] = found
        return self._relations[model]

    def step(self, model: str, without: str = "") -> Relation:
        """Return what a model depends on in columns of what it reads itself.

        Raises:
            Untraceable: when its SQL cannot be followed.
        """

        def read(schema: str, name: str) -> Relation:
            parent = self._name(schema, name)
            found = self._parent(schema, name, model)
            if parent == without:
                return Relation(rest=Trace())
            if parent is None or self._nodes[parent]["resource_type"] == "seed":
                return found
            columns = {
                each: Trace(*[frozenset([Raw(REF + parent, each)])] * 2) for each in found.columns
            }
            return Relation(frozenset([Raw(REF + parent, ROWS)]), columns, keys=found.keys)

        return trace(self.sql(model), read)

    def spread(self, model: str, column: str) -> Trace:
        """Return the raw columns behind a column of a model, or behind `ROWS`, its rows."""
        relation = self.relation(model)
        found = Trace().under(relation.rows) if column == ROWS else relation.column(column)
        return found or self.everything

    def in_raw_columns(self, found: Trace) -> Trace:
        """Return a trace that a `step` told in columns of models as one in raw columns."""
        return Trace(
            joined(self._raw(each) for each in found.made_of).made_of,
            joined(self._raw(each) for each in found.depends).depends,
        )

    @property
    def everything(self) -> Trace:
        """The trace of what cannot be known."""
        return Trace().under(frozenset(Raw(table, ROWS) for table in self.all_tables))

    def view_columns(self) -> Mapping[str, frozenset[str]]:
        """Return the sections (or other models) that each column of the view is computed in."""
        try:
            columns = self.step(VIEW).columns
        except Untraceable:
            columns = _listed(self._nodes[VIEW])
        return {
            name: frozenset(raw.table.removeprefix(REF) for raw in found.made_of)
            for name, found in columns.items()
        }

    def description(self, model: str) -> str:
        """Return what a model says of itself."""
        return str(self._nodes[model]["description"]).strip()

    def column_description(self, column: str) -> str:
        """Return what the view says of a column."""
        return " ".join(str(self._nodes[VIEW]["columns"][column]["description"]).split())

    def data_type(self, column: str) -> str:
        """Return the type of a column of the view, by its contract."""
        return str(self._nodes[VIEW]["columns"][column]["data_type"])

    def is_personal(self, column: str) -> bool:
        """True where the view says of a column that its values are a person's."""
        return bool(self._nodes[VIEW]["columns"][column]["config"].get("meta", {}).get("personal"))

    def column_names(self) -> list[str]:
        """Return the columns of the view, in the order of its contract."""
        return list(self._nodes[VIEW]["columns"])

    def written(self, model: str) -> str:
        """Return a model as a person wrote it."""
        return str(self._nodes[model]["raw_code"])

    def sql(self, model: str) -> str:
        """Return a model's SQL as the build ran it.

        Raises:
            Untraceable: when there is none.
        """
        node = self._nodes.get(model, {})
        sql = node.get("compiled_code")
        if not sql or node.get("language", "sql") != "sql":
            raise Untraceable(f"{model} has no SQL")
        return str(sql)

    def _follow(self, model: str, itself: Relation) -> tuple[Relation, bool]:
        asked = []

        def read(schema: str, name: str) -> Relation:
            if self._name(schema, name) == model:
                asked.append(name)
                return itself
            return self._parent(schema, name, model)

        try:
            found = trace(self.sql(model), read)
        except Untraceable:
            return Relation(self.everything.depends, rest=self.everything), False
        return found.with_keys(self._keys.get(model, [])), bool(asked)

    def _raw(self, read: Raw) -> Trace:
        if read.table.startswith(REF):
            return self.spread(read.table.removeprefix(REF), read.column)
        return Trace(*[frozenset([read])] * 2)

    def _name(self, schema: str, name: str) -> str | None:
        return self._places.get((schema, name))

    def _parent(self, schema: str, name: str, reader: str) -> Relation:
        source, parent = self._sources.get((schema, name)), self._name(schema, name)
        if source is not None:
            return _of_source(source)
        if parent is None:
            raise Untraceable(f"the graph does not know {schema}.{name}")
        keys = frozenset(self._keys.get(parent, []))
        if self._nodes[parent]["resource_type"] == "seed":
            return Relation(columns=_listed(self._nodes[parent]), rest=Trace(), keys=keys)
        if parent.startswith(AUDIENCE) and not reader.startswith(AUDIENCE):
            # Where campaigns meet, each counts its own audience and not those of the others.
            listed = self.relation(parent).columns
            return Relation(columns=dict.fromkeys(listed, Trace()), keys=keys)
        return self.relation(parent)


def _of_source(source: Mapping[str, Any]) -> Relation:
    if source["source_name"] != "raw":
        return Relation(columns=_listed(source), rest=Trace())
    table = source["name"]
    rows = frozenset([Raw(table, ROWS)])
    columns = {
        name: Trace(*[frozenset([Raw(table, name)])] * 2)
        for name in [*_listed(source), "batch_date"]
    }
    return Relation(rows, columns, rest=Trace().under(rows))


def _listed(node: Mapping[str, Any]) -> dict[str, Trace]:
    return {name.lower(): Trace() for name in node["columns"]}


def _unique_keys(manifest: Mapping[str, Any]) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield (model, columns) for what a test of every build, or a constraint, says is unique."""
    names = {key: node["name"] for key, node in manifest["nodes"].items()}
    for node in manifest["nodes"].values():
        test = node.get("test_metadata")
        if test and node.get("attached_node") in names and _stops_the_build(node["config"]):
            columns = _columns_of(test)
            if columns:
                yield names[node["attached_node"]], frozenset(columns)
        enforced = node.get("config", {}).get("contract", {}).get("enforced")
        for each in node.get("constraints", []) if enforced else []:
            if each["type"] in ("primary_key", "unique"):
                yield node["name"], frozenset(name.lower() for name in each["columns"])


def _stops_the_build(config: Mapping[str, Any]) -> bool:
    severity = str(config.get("severity", "error")).lower() == "error"
    plain = config.get("error_if", "!= 0") == "!= 0" and not config.get("where")
    return severity and plain and config.get("enabled", True) and not config.get("limit")


def _columns_of(test: Mapping[str, Any]) -> list[str]:
    if test["name"] not in UNIQUE:
        return []
    arguments = test["kwargs"].get("arguments", test["kwargs"])
    named = arguments.get("columns") or [test["kwargs"]["column_name"]]
    return [str(name).lower() for name in named]
