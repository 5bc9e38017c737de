"""The parts of the form under their headings, and what is wrong at the field where it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from flows.desk.findings import Finding
from flows.desk.request import KINDS
from flows.web.shown import Shown, id_of


@dataclass(frozen=True)
class Section:
    """Fields under one heading.

    Args:
        kind: the one that has to be ticked for them to be asked for, if any.
        around: the group that they are, if they are one.
    """

    key: str
    title: str
    help: str
    fields: tuple[Shown, ...]
    kind: str | None = None
    around: Shown | None = None


@dataclass(frozen=True)
class Told:
    """What is wrong, by the name of the field where it is shown; `loose` fits to none."""

    at: Mapping[str, list[Finding]] = field(default_factory=dict)
    loose: tuple[Finding, ...] = ()
    links: tuple[tuple[str, Finding], ...] = ()


TITLES = {"title": "Who asks", "kinds": "What, why and when", "notes": "Notes"}


def sections(fields: Sequence[Shown]) -> list[Section]:
    """Return the fields under their headings, files last: they are sent last, too."""
    found: list[list[Shown]] = []
    alone = True
    for each in fields:
        stands_alone = each.question.widget in ("group", "files")
        if alone or stands_alone or each.question.widget == "choices":
            found.append([])
        found[-1].append(each)
        alone = stands_alone
    found.sort(key=lambda group: group[0].question.widget == "files")
    return [_section(group) for group in found]


def tell(fields: Sequence[Shown], findings: Sequence[Finding]) -> Told:
    """Return each finding at its field, or at what stands around it."""
    places = dict(_places(fields))
    at: dict[str, list[Finding]] = {}
    loose, links = [], []
    for finding in findings:
        where = finding.where
        while where and where not in places:
            where = where.rpartition(".")[0]
        if not where:
            loose.append(finding)
            continue
        at.setdefault(places[where], []).append(finding)
        links.append((id_of(places[where]), finding))
    # In the order of the page, which has the examples of a part last.
    order = {id_of(name): number for number, name in enumerate(places.values())}
    links.sort(key=lambda each: order[each[0]])
    return Told(at, tuple(loose), tuple(links))


def _section(group: list[Shown]) -> Section:
    first = group[0].question
    if len(group) == 1 and first.widget == "group":
        kind = first.name if first.name in KINDS else None
        return Section(first.name, first.title, first.help, group[0].fields, kind, group[0])
    return Section(first.name, TITLES.get(first.name, first.title), "", tuple(group))


def _places(fields: Sequence[Shown]) -> Iterator[tuple[str, str]]:
    for each in fields:
        yield each.where, each.name
        yield from _places(each.fields)
        for row in each.rows:
            yield row.where, row.name
            yield from _places(row.fields)
