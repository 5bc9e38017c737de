"""Two builds held against each other: what a reader of marts and campaigns would find different.

Meant for two releases of the code on the same base and the same pinned batches, and right for any
two builds of one client. Nothing is written; what cannot differ is not read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from flows import distributions
from flows.comparison.attributes import told_attributes
from flows.comparison.clean import Clean
from flows.comparison.people import compare_audiences, compare_reachability
from flows.comparison.result import VIEW, Comparison, RelationChange, Schema
from flows.comparison.rows import Cell, Pair, compare_as_bag, compare_rows, shared_type
from flows.comparison.schemas import compare_schemas
from flows.comparison.sides import Limits, Prints, Side, Sides, opened
from flows.comparison.view import ViewChange, compare_view, straight_columns
from flows.distributions import Distribution
from flows.errors import NotComparable
from flows.intake.casting import identifier

PROFILES = "marts.attribute_distributions"


def compare(
    before: Path,
    after: Path,
    before_manifest: Path,
    after_manifest: Path,
    *,
    limits: Limits | None = None,
    before_prints: Prints | None = None,
    after_prints: Prints | None = None,
) -> Comparison:
    """Compare the public relations of two builds.

    Args:
        before: the file of the build that is published.
        after: the file of the other.
        before_manifest: dbt's manifest of each, with the SQL as it ran.
        after_manifest: see above.
        limits: memory, threads, and where to spill.
        before_prints: fingerprints by `schema.name`, as the ledger keeps them of public tables;
            those that are not given are taken.
        after_prints: see above.

    Raises:
        NotComparable: when a build or its manifest cannot be read, or memory and disk are short.
    """
    files, manifests = (before, after), (before_manifest, after_manifest)
    prints = before_prints or {}, after_prints or {}
    try:
        with opened(files, manifests, prints, limits or Limits()) as sides:
            return _compare(sides)
    except duckdb.OutOfMemoryException:
        raise NotComparable(
            f"{before.stem} and {after.stem} need more memory to be compared, or more disk to "
            "spill to. Give them more: SCV_MEMORY_LIMIT=8GB, and make room beside the builds."
        ) from None
    except (duckdb.IOException, duckdb.CatalogException, OSError, json.JSONDecodeError) as error:
        raise NotComparable(
            f"{before.stem} and {after.stem} cannot be compared: a file of theirs or a manifest "
            f"cannot be read, or the disk is full ({type(error).__name__}). Look at "
            f"{before.parent}, then build again what is broken: scv run DATE"
        ) from error


def _compare(sides: Sides) -> Comparison:
    clean = Clean(sides)
    schemas = compare_schemas(sides)
    names = sorted(sides.before.public | sides.after.public)
    view = None if clean(VIEW) else compare_view(sides, clean)
    passed = _passed(sides)
    told = _changes_of(sides, view, schemas[VIEW])
    relations = []
    for name in names:
        if name == VIEW:
            relations.append(told)
        elif clean(name):
            relations.append(_unread(sides, name))
        elif view is not None and name in view.told:
            relations.append(_section(sides, name, view, schemas[name]))
        else:
            found = _relation(sides, name, schemas[name])
            relations.append(_not_twice(found, passed.get(name, {}), told))
    return Comparison(
        before=sides.before.told(),
        after=sides.after.told(),
        relations=tuple(relations),
        audiences=compare_audiences(sides, clean),
        reachability=compare_reachability(sides, clean),
    )


def _changes_of(sides: Sides, found: ViewChange | None, schema: Schema) -> RelationChange:
    if found is None:
        rows = _customers(sides)
        return RelationChange(relation=VIEW, is_read=False, rows_before=rows, rows_after=rows)
    both = found.rows_before - found.customers.only_before
    told = {
        each.name: each
        for group, change in found.groups
        for each in told_attributes(sides, VIEW, group.pair, change, both, group.own)
    }
    drawn = {} if not told else {each.attribute: each for each in _distributions(sides)}
    return RelationChange(
        relation=VIEW,
        is_read=True,
        key=("customer_id",),
        rows_before=found.rows_before,
        rows_after=found.rows_after,
        only_before=found.customers.only_before,
        only_after=found.customers.only_after,
        gone=found.customers.gone,
        new=found.customers.new,
        columns=schema,
        attributes=tuple(
            told[name].model_copy(update={"distribution": drawn.get(name)})
            for name in sides.after.columns[VIEW]
            if name in told
        ),
    )


def _section(sides: Sides, name: str, found: ViewChange, schema: Schema) -> RelationChange:
    """A section whose rows are those of the view; told are the columns that the view has not."""
    both = found.rows_before - found.customers.only_before
    told = [
        each
        for group, change in found.groups
        if group.section == name
        for each in told_attributes(sides, name, group.pair, change, both, group.own)
    ]
    return RelationChange(
        relation=name,
        is_read=True,
        key=("customer_id",),
        rows_before=found.rows_before,
        rows_after=found.rows_after,
        columns=schema,
        attributes=tuple(sorted(told, key=lambda each: each.name)),
    )


def _relation(sides: Sides, name: str, schema: Schema) -> RelationChange:
    here = [name in side.columns for side in (sides.before, sides.after)]
    rows = [
        side.measured("count(*)", name)[0] if is_here else None
        for side, is_here in zip((sides.before, sides.after), here, strict=True)
    ]
    found = RelationChange(
        relation=name, is_read=True, rows_before=rows[0], rows_after=rows[1], columns=schema
    )
    if not all(here):
        return found.model_copy(update={"only_before": rows[0] or 0, "only_after": rows[1] or 0})
    key = _key(sides, name)
    if key is None:
        only = compare_as_bag(sides, name, sides.common(name))
        return found.model_copy(update={"only_before": only[0], "only_after": only[1]})
    cells = tuple(_cell(sides, name, column) for column in sides.common(name) if column not in key)
    pair = Pair(sides.before.of(name), sides.after.of(name), key, cells)
    change = compare_rows(sides, pair)
    attributes = told_attributes(
        sides,
        name,
        pair,
        change,
        (rows[0] or 0) - change.only_before,
        {c.name: c.name for c in cells},
    )
    return found.model_copy(
        update={
            "key": key,
            "attributes": tuple(attributes),
            "only_before": change.only_before,
            "only_after": change.only_after,
        }
    )


def _not_twice(
    found: RelationChange, passed: Mapping[str, str], view: RelationChange
) -> RelationChange:
    """Return it without the columns that the view tells of the very same rows."""
    told = {each.name: each.changed for each in view.attributes}
    one_row = found.rows_after == 1
    kept = [
        each
        for each in found.attributes
        for count in [told.get(passed.get(each.name, ""))]
        if count is None or (count != each.changed and not one_row)
    ]
    return found.model_copy(update={"attributes": tuple(kept)})


def _unread(sides: Sides, name: str) -> RelationChange:
    rows = None if name in sides.before.views else sides.before.fingerprint(name)[0]
    return RelationChange(relation=name, is_read=False, rows_before=rows, rows_after=rows)


def _cell(sides: Sides, relation: str, column: str) -> Cell:
    kinds = sides.before.columns[relation][column], sides.after.columns[relation][column]
    return Cell(column, *shared_type(*kinds, (identifier(column), identifier(column))))


def _key(sides: Sides, relation: str) -> tuple[str, ...] | None:
    """Return a key that holds in both builds, or None; empty for what has one row."""
    columns = set(sides.common(relation))
    other = set(sides.after.keys(relation))
    for key in sides.before.keys(relation):
        if key in other and key <= columns:
            return tuple(sorted(key))
    return None


def _customers(sides: Sides) -> int:
    identity = "marts.customer_identity"
    known = identity in sides.before.columns and identity not in sides.before.views
    rows = sides.before.fingerprint(identity) if known else sides.before.measured("count(*)", VIEW)
    return int(rows[0])


def _passed(sides: Sides) -> dict[str, dict[str, str]]:
    """Return, by section, the columns that both views tell: they are not told a second time."""
    before, after = straight_columns(sides.before), straight_columns(sides.after)
    return {
        relation: {
            column: name
            for column, name in columns.items()
            if before.get(relation, {}).get(column) == name
        }
        for relation, columns in after.items()
    }


def _distributions(sides: Sides) -> list[Distribution]:
    def rows(side: Side) -> list[distributions.Row]:
        names = distributions.COLUMNS
        order = "order by attribute_position, bucket_position"
        found = side.rows(", ".join(names), PROFILES, order) if _has(side, names) else []
        return [dict(zip(names, row, strict=True)) for row in found]

    return distributions.lay_beside(rows(sides.after), rows(sides.before))


def _has(side: Side, names: Sequence[str]) -> bool:
    return set(names) <= set(side.columns.get(PROFILES, {}))
