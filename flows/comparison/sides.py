"""The two builds side by side: one connection that reads both, and what each is made of."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from flows.builds import fingerprints
from flows.campaigns.graph import Graph
from flows.comparison.result import Compared
from flows.intake.casting import identifier, literal

BEFORE, AFTER = "before", "after"
Prints = Mapping[str, tuple[int, str]]


@dataclass(frozen=True)
class Limits:
    """What a comparison may take of the machine; it spills into `temporary` beyond `memory`."""

    memory: str = "6GB"
    threads: int = 2
    temporary: Path | None = None


class Side:
    """One build: its dbt graph, the columns of its relations, and fingerprints of its tables."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, name: str, manifest: Path, prints: Prints
    ) -> None:
        self._connection, self.name = connection, name
        self.manifest: Mapping[str, Any] = json.loads(manifest.read_text())
        self.graph = Graph(self.manifest)
        self._prints = dict(prints)
        self._measured: dict[tuple[str, str], tuple[Any, ...]] = {}

    @cached_property
    def nodes(self) -> dict[str, Mapping[str, Any]]:
        """Models, seeds and sources by `schema.name`."""
        made = [
            node
            for node in self.manifest["nodes"].values()
            if node["resource_type"] in ("model", "seed")
        ]
        return {f"{node['schema']}.{node['alias']}": node for node in made} | {
            f"{node['schema']}.{node['identifier']}": node
            for node in self.manifest["sources"].values()
        }

    @cached_property
    def columns(self) -> dict[str, dict[str, str]]:
        """Name and type of the columns of every relation, in their order, by `schema.name`."""
        found: dict[str, dict[str, str]] = {}
        for schema, table, column, data_type in self._connection.execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns() "
            "where database_name = ? and not internal "
            "order by schema_name, table_name, column_index",
            [self.name],
        ).fetchall():
            found.setdefault(f"{schema}.{table}", {})[column] = data_type
        return found

    @cached_property
    def views(self) -> dict[str, str]:
        """The SQL of every view, as the build holds it, by `schema.name`."""
        rows = self._connection.execute(
            "select schema_name || '.' || view_name, sql from duckdb_views() "
            "where database_name = ? and not internal",
            [self.name],
        ).fetchall()
        return dict(rows)

    @property
    def public(self) -> set[str]:
        """The relations that others read, as far as the build holds them."""
        return {
            name
            for name, node in self.nodes.items()
            if node["schema"] in fingerprints.PUBLIC
            and node["resource_type"] == "model"
            and name in self.columns
        }

    def fingerprint(self, relation: str) -> tuple[int, str]:
        """Return rows and hash of a table; read only where nobody has told them."""
        if relation not in self._prints:
            own = [c for c in self.columns[relation] if c not in fingerprints.OWN_NAMES]
            hashed = f"hash({', '.join(map(identifier, own))})" if own else "0"
            rows, total = self._connection.execute(
                f"select count(*), coalesce(sum({hashed}), 0) from {self.of(relation)}"
            ).fetchall()[0]
            self._prints[relation] = int(rows), f"{int(total):x}"
        return self._prints[relation]

    def measured(self, what: str, relation: str) -> tuple[Any, ...]:
        """Return aggregates over a relation, which is read for each once."""
        if (what, relation) not in self._measured:
            found = self._connection.execute(f"select {what} from {self.of(relation)}").fetchall()
            self._measured[what, relation] = found[0]
        return self._measured[what, relation]

    def rows(self, what: str, relation: str, more: str = "") -> list[tuple[Any, ...]]:
        """Return rows of a relation; none where the build is older than it."""
        if relation not in self.columns:
            return []
        return self._connection.execute(f"select {what} from {self.of(relation)} {more}").fetchall()

    def keys(self, relation: str) -> list[frozenset[str]]:
        """Return sets of columns of which no two rows have the same values, shortest first.

        By the tests of every build, or by the SQL of the model.
        """
        node = self.nodes.get(relation, {})
        if node.get("resource_type") != "model":
            return []
        found = self.graph.relation(str(node["name"])).keys
        return sorted(found, key=lambda key: (len(key), sorted(key)))

    def of(self, relation: str) -> str:
        """Return a relation of this build, for SQL."""
        return ".".join(map(identifier, [self.name, *relation.split(".")]))

    def told(self) -> Compared:
        """Return which build this is."""
        build_id, day, code, base = self._connection.execute(
            "select build_id, business_date, code_version, base_build_id "
            f"from {self.of('raw.build')}"
        ).fetchall()[0]
        prints = {name: self.fingerprint(name) for name in self.public if name not in self.views}
        contents = hashlib.sha256(json.dumps(prints, sort_keys=True).encode()).hexdigest()
        return Compared(
            build_id=build_id,
            business_date=day,
            code_version=code,
            base_build_id=base,
            contents=contents,
        )


@dataclass(frozen=True)
class Sides:
    """Both builds, and the one connection that reads them."""

    connection: duckdb.DuckDBPyConnection
    before: Side
    after: Side

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self.connection.execute(query).fetchall()

    def common(self, relation: str) -> list[str]:
        """Return the columns of a relation in both builds, but those that name the build."""
        there = self.before.columns[relation]
        return [
            name
            for name in self.after.columns[relation]
            if name in there and name not in fingerprints.OWN_NAMES
        ]


@contextmanager
def opened(
    files: tuple[Path, Path],
    manifests: tuple[Path, Path],
    prints: tuple[Prints, Prints],
    limits: Limits,
) -> Iterator[Sides]:
    """Open two builds for reading, (before, after) each; what is spilled goes when it closes."""
    with (
        tempfile.TemporaryDirectory(prefix="comparison-", dir=limits.temporary) as spill,
        duckdb.connect(
            config={
                "memory_limit": limits.memory,
                "threads": limits.threads,
                "temp_directory": spill,
                "preserve_insertion_order": False,
            }
        ) as connection,
    ):
        for name, file in zip((BEFORE, AFTER), files, strict=True):
            connection.execute(f"attach {literal(str(file))} as {identifier(name)} (read_only)")
        yield Sides(
            connection,
            Side(connection, BEFORE, manifests[0], prints[0]),
            Side(connection, AFTER, manifests[1], prints[1]),
        )
