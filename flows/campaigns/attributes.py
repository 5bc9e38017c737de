"""Every attribute of the view with the raw columns above it and the campaigns below it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from flows.campaigns import lineage
from flows.campaigns.graph import VIEW, Graph
from flows.campaigns.lineage import Reads
from flows.campaigns.traces import Trace, told


@dataclass(frozen=True)
class Attribute:
    """One column of the view, up and down.

    Args:
        group: what the view's SQL says above it, such as "lifecycle".
        is_personal: its values are never shown.
        trace: the raw columns that its value is made of and depends on.
        campaigns: campaigns whose audience it decides.
        told_by: campaigns that only name it as their reason.
    """

    name: str
    data_type: str
    meaning: str
    group: str
    is_personal: bool
    sections: tuple[str, ...]
    trace: Trace
    campaigns: tuple[str, ...]
    told_by: tuple[str, ...]

    @property
    def made_of(self) -> str:
        """The raw columns that it is computed from, in words."""
        return told(self.trace.made_of)

    @property
    def depends_on(self) -> str:
        """The other raw columns that its value depends on, in words."""
        return told(self.trace.depends - self.trace.made_of)


@dataclass(frozen=True)
class Written:
    """A column in the SQL of the view: the comment it stands under, and its own lines."""

    group: str
    sql: str

    @property
    def moves_with_the_date(self) -> bool:
        """True where the view counts it up to the business date, or names the build."""
        return re.search(r"\b(build|provenance)\.|\btoday\b", self.sql) is not None


@dataclass(frozen=True)
class Hanging:
    """What hangs on one raw table: attributes made of it, others, and campaigns.

    Args:
        by_column: for each raw column, the attributes that are made of it.
        others: attributes that are not made of the table, and change with it.
        campaigns: each campaign that depends on it, with what it reads from it.
    """

    by_column: Mapping[str, tuple[str, ...]]
    others: tuple[str, ...]
    campaigns: Mapping[str, tuple[str, ...]]

    @property
    def made_of_it(self) -> tuple[str, ...]:
        """The attributes that are made of any of its columns."""
        return tuple(sorted({name for names in self.by_column.values() for name in names}))


def attributes_of(graph: Graph) -> list[Attribute]:
    """Return every column of the view, in its order."""
    reads, groups = lineage.read(graph), groups_of(graph)
    return [
        Attribute(
            name,
            graph.data_type(name),
            graph.column_description(name),
            groups[name],
            graph.is_personal(name),
            tuple(sorted(sections)),
            graph.spread(VIEW, name),
            tuple(sorted(each for each, read in reads.items() if name in read.attributes)),
            tuple(sorted(each for each, read in reads.items() if name in read.told)),
        )
        for name, sections in graph.view_columns().items()
    ]


def groups_of(graph: Graph) -> dict[str, str]:
    """Return the group of each column of the view: the comment that it stands under in the SQL."""
    return {name: written.group for name, written in written_columns(graph).items()}


def written_columns(graph: Graph) -> dict[str, Written]:
    """Return each column of the view as a person wrote it, in the order of its contract."""
    text = graph.written(VIEW).partition("final as (")[2]
    found, here, group = {}, 0, "other"
    for name in graph.column_names():
        # In the order of the contract: what only mentions a column stands after its own line.
        line = re.compile(rf"(\.|\bas ){name},?$", re.MULTILINE).search(text, here)
        end = line.end() if line else here
        above = re.findall(r"^ *-- (.+)$", text[here:end], re.MULTILINE)
        group = above[-1] if above else group
        found[name] = Written(group, text[here:end])
        here = end
    return found


def hanging_on(table: str, attributes: list[Attribute], reads: Mapping[str, Reads]) -> Hanging:
    """Return what hangs on a raw table."""
    by_column: dict[str, list[str]] = {}
    others = []
    for each in attributes:
        columns = [raw.column for raw in each.trace.made_of if raw.table == table]
        for column in columns:
            by_column.setdefault(column, []).append(each.name)
        if not columns and table in each.trace.tables:
            others.append(each.name)
    campaigns = {name: tuple(read.through(table)) for name, read in sorted(reads.items())}
    return Hanging(
        {column: tuple(names) for column, names in by_column.items()},
        tuple(others),
        {name: through for name, through in campaigns.items() if through},
    )
