"""How the columns of the public relations differ: there in one build only, retyped, or moved."""

from __future__ import annotations

from difflib import SequenceMatcher

from flows.builds.fingerprints import OWN_NAMES
from flows.comparison.result import VIEW, Column, Retyped, Schema
from flows.comparison.sides import Sides
from flows.comparison.view import straight_columns


def compare_schemas(sides: Sides) -> dict[str, Schema]:
    """Return how the columns of each relation differ; what the view tells its sections do not."""
    names = sides.before.public | sides.after.public
    found = {name: _schema(sides, name) for name in sorted(names)}
    view = found.get(VIEW, Schema())
    told = {each.name for each in (*view.added, *view.removed)}
    told |= {each.name for each in view.retyped}
    sections = set(straight_columns(sides.before)) | set(straight_columns(sides.after))
    for name in sections & set(found):
        found[name] = Schema(
            added=tuple(each for each in found[name].added if each.name not in told),
            removed=tuple(each for each in found[name].removed if each.name not in told),
            retyped=tuple(each for each in found[name].retyped if each.name not in told),
            moved=found[name].moved,
        )
    return found


def _schema(sides: Sides, relation: str) -> Schema:
    before = sides.before.columns.get(relation, {})
    after = sides.after.columns.get(relation, {})
    one = [name for name in before if name in after]
    other = [name for name in after if name in before]
    kept = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    steady = {name for block in kept for name in one[block.a : block.a + block.size]}
    return Schema(
        added=tuple(Column(name=n, data_type=after[n]) for n in after if n not in before),
        removed=tuple(Column(name=n, data_type=before[n]) for n in before if n not in after),
        retyped=tuple(
            Retyped(name=n, before=before[n], after=after[n])
            for n in other
            if before[n] != after[n] and n not in OWN_NAMES
        ),
        moved=tuple(name for name in other if name not in steady),
    )
