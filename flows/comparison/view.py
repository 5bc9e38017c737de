"""The two views, attribute by attribute, each read from the sections that it is written of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from flows.comparison.clean import Clean
from flows.comparison.parts import CROSS, INNER, KEY, LEFT, Parts, take_apart
from flows.comparison.result import VIEW
from flows.comparison.rows import Cell, Pair, RowsChange, compare_rows, shared_type
from flows.comparison.sides import Side, Sides
from flows.intake.casting import identifier

# Equal counts and equal sums of hashes are equal customers.
KEYS = f"count(*), coalesce(sum(hash({KEY})), 0)"


@dataclass(frozen=True)
class Group:
    """Attributes of the view that are read from the same sections, in one pair of queries.

    Args:
        own: columns of the one section that the view does not pass on, by what they are called
            in the pair; they are told under the section.
    """

    pair: Pair
    section: str | None = None
    own: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ViewChange:
    """What was found of the view, and of its sections on the way.

    Args:
        groups: each pair that was read, with what came of it.
        told: sections whose rows and columns are all compared here, by name.
    """

    rows_before: int
    rows_after: int
    customers: RowsChange
    groups: tuple[tuple[Group, RowsChange], ...]
    told: frozenset[str]


def straight_columns(side: Side) -> dict[str, dict[str, str]]:
    """Return, by section, its columns that the view passes on as they are, and as what.

    Where the view cannot be taken apart, those of the same name in the section it comes from.
    """
    parts = parts_of(side)
    found: dict[str, dict[str, str]] = {}
    if parts is None:
        for name, models in side.graph.view_columns().items():
            for relation in (f"marts.{model}" for model in models):
                if name in side.columns.get(relation, {}):
                    found.setdefault(relation, {})[name] = name
        return found
    for name, written in parts.columns.items():
        if written.straight is not None:
            relation = parts.sections[next(iter(written.aliases))].relation
            found.setdefault(relation, {})[written.straight] = name
    return found


def parts_of(side: Side) -> Parts | None:
    """Return the view of a build taken apart, where it can be."""
    parts = take_apart(str(side.nodes[VIEW].get("compiled_code") or ""))
    return parts if parts and list(parts.columns) == list(side.columns[VIEW]) else None


def compare_view(sides: Sides, clean: Clean) -> ViewChange:
    """Compare the views of both builds, by parts where that says the same as the whole."""
    parts = parts_of(sides.before), parts_of(sides.after)
    one, other = parts
    if one is None or other is None:
        return _whole(sides)
    if _lossless(sides.before, one, clean) and _lossless(sides.after, other, clean):
        return _by_parts(sides, clean, one, other)
    return _whole(sides)


def _whole(sides: Sides) -> ViewChange:
    cells = tuple(
        _cell(sides, name, identifier(name), identifier(name))
        for name in sides.common(VIEW)
        if name != KEY
    )
    pair = Pair(sides.before.of(VIEW), sides.after.of(VIEW), (KEY,), cells)
    rows = [side.measured("count(*)", VIEW)[0] for side in (sides.before, sides.after)]
    found = compare_rows(sides, pair)
    return ViewChange(rows[0], rows[1], found, ((Group(pair), found),), frozenset())


def _by_parts(sides: Sides, clean: Clean, one: Parts, other: Parts) -> ViewChange:
    firsts = one.inner[0].relation, other.inner[0].relation
    rows = [
        side.measured(KEYS, relation)
        for side, relation in zip((sides.before, sides.after), firsts, strict=True)
    ]
    customers = RowsChange()
    if rows[0] != rows[1]:
        keys = [
            side.of(relation)
            for side, relation in zip((sides.before, sides.after), firsts, strict=True)
        ]
        customers = compare_rows(sides, Pair(keys[0], keys[1], (KEY,), ()))
    groups = _groups(sides, clean, one, other)
    found = tuple((group, compare_rows(sides, group.pair)) for group in groups)
    told = frozenset(group.section for group in groups if group.section)
    return ViewChange(rows[0][0], rows[1][0], customers, found, told)


def _groups(sides: Sides, clean: Clean, one: Parts, other: Parts) -> list[Group]:
    gathered: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for name in sides.common(VIEW):
        if name != KEY and _may_differ(name, clean, one, other):
            gathered.setdefault((one.heavy(name), other.heavy(name)), []).append(name)
    # A section of which the view passes nothing on that may differ is read for its own columns.
    for section in other.inner:
        same = section.alias in one.sections and one.sections[section.alias] == section
        if same and not clean(section.relation):
            gathered.setdefault(((section.alias,), (section.alias,)), [])
    return [_group(sides, clean, one, other, *each) for each in gathered.items()]


def _may_differ(name: str, clean: Clean, one: Parts, other: Parts) -> bool:
    if one.signature(name) != other.signature(name):
        return True
    return not all(clean(section.relation) for section in other.named_by(name))


def _group(
    sides: Sides,
    clean: Clean,
    one: Parts,
    other: Parts,
    aliases: tuple[tuple[str, ...], tuple[str, ...]],
    names: Sequence[str],
) -> Group:
    cells = [_cell(sides, name, one.columns[name].sql, other.columns[name].sql) for name in names]
    section, own = _section_of(clean, one, other, aliases)
    if section is not None:
        alias = aliases[0][0]
        passed = {
            each.straight
            for name, each in other.columns.items()
            if each.aliases == {alias} and one.columns.get(name) == each
        }
        for column in sides.common(section):
            if column != KEY and column not in passed:
                own[f"{section}.{column}"] = column
                sql = f"{alias}.{identifier(column)}"
                cells.append(_cell(sides, f"{section}.{column}", sql, sql, section, column))
    before, after = (
        (one.source(names, sides.before), other.source(names, sides.after))
        if names
        else (_alone(one, aliases[0], sides.before), _alone(other, aliases[1], sides.after))
    )
    key_of = f"{before[1]}.", f"{after[1]}."
    return Group(Pair(before[0], after[0], (KEY,), tuple(cells), key_of), section, own)


def _section_of(
    clean: Clean, one: Parts, other: Parts, aliases: tuple[tuple[str, ...], tuple[str, ...]]
) -> tuple[str | None, dict[str, str]]:
    """Return the section that a group is all about, where it is one and may differ."""
    if aliases[0] != aliases[1] or len(aliases[0]) != 1:
        return None, {}
    before, after = one.sections[aliases[0][0]], other.sections[aliases[0][0]]
    if before != after or after.kind != INNER or clean(after.relation):
        return None, {}
    return after.relation, {}


def _alone(parts: Parts, aliases: tuple[str, ...], side: Side) -> tuple[str, str]:
    section = parts.sections[aliases[0]]
    return f"{side.of(section.relation)} as {identifier(section.alias)}", section.alias


def _cell(
    sides: Sides, name: str, before: str, after: str, relation: str = VIEW, column: str = ""
) -> Cell:
    column = column or name
    kinds = (
        sides.before.columns[relation][column],
        sides.after.columns[relation][column],
    )
    return Cell(name, *shared_type(*kinds, (before, after)))


def _lossless(side: Side, parts: Parts, clean: Clean) -> bool:
    """True where each join of the view can be left out without losing or doubling a customer.

    A section that cannot differ is known to have every customer, once, by the tests that both
    builds passed: so one such section tells for all. What can differ is measured.
    """
    untouched = [each.relation for each in parts.inner if clean(each.relation)][:1]
    others = [each.relation for each in parts.inner if not clean(each.relation)]
    keys = {side.measured(KEYS, each) for each in (*untouched, *others)}
    crossed = [each for each in parts.sections.values() if each.kind == CROSS]
    single = all(side.measured("count(*)", each.relation) == (1,) for each in crossed)
    left = [each for each in parts.sections.values() if each.kind == LEFT]
    unique = all(_is_unique(side, each.relation, each.on_columns) for each in left)
    return len(keys) == 1 and single and unique


def _is_unique(side: Side, relation: str, columns: Sequence[str]) -> bool:
    return any(key <= set(columns) for key in side.keys(relation))
