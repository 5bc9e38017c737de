"""A build of the demo world, and copies of it in which something was changed by hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb

from flows.campaigns.graph import Graph
from flows.comparison.compare import compare
from flows.comparison.result import AttributeChange, Comparison, RelationChange
from flows.comparison.sides import Limits, Prints

Altered = Callable[..., Comparison]


def manifest_of(build: Path) -> Path:
    """The manifest that stands beside a build."""
    return build.with_name(f"{build.stem}.manifest.json")


def copy_of(build: Path, folder: Path, *statements: str) -> Path:
    """A copy of a build, its manifest beside it, in which some SQL was run."""
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / build.name
    shutil.copyfile(build, copy)
    copy.chmod(0o644)
    shutil.copyfile(manifest_of(build), manifest_of(copy))
    with duckdb.connect(str(copy)) as connection:
        for statement in statements:
            connection.execute(statement)
    return copy


def compared(before: Path, after: Path, after_prints: Prints | None = None) -> Comparison:
    """Two builds compared as a small machine would."""
    return compare(
        before,
        after,
        manifest_of(before),
        manifest_of(after),
        limits=Limits("1GB", 2),
        after_prints=after_prints,
    )


def graph_of(build: Path) -> Graph:
    """dbt's graph of a build."""
    return Graph.read(manifest_of(build))


def relation(found: Comparison, name: str) -> RelationChange:
    """One relation of a comparison."""
    return next(each for each in found.relations if each.relation == name)


def attribute(found: Comparison, name: str) -> AttributeChange:
    """One attribute of the view that changed."""
    return next(each for each in found.view.attributes if each.name == name)
