"""The checks that a form runs itself, before a person reads it.

While somebody types, `check` is asked without samples and quickly; at submission all of it, on the
sample files and the examples too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flows.desk import check_examples, check_samples
from flows.desk.findings import Finding, is_sound, read
from flows.desk.formulas import NotAnExpression, unknown_columns
from flows.desk.known import VIEW, Known, columns_of, types_of
from flows.desk.promised import source_of_table, why_not
from flows.desk.request import KINDS, ChangeRequest
from flows.desk.worked import formulas_of

SAMPLES: Mapping[str, Path] = {}


def check(
    document: Mapping[str, Any],
    known: Known,
    samples: Mapping[str, Path] = SAMPLES,
    *,
    thorough: bool = True,
) -> list[Finding]:
    """Return all that is wrong or doubtful in a request.

    Args:
        document: what was typed.
        known: what there is already.
        samples: files with rows, by the table that they are of.
        thorough: False leaves out what takes seconds: taking in examples and samples.
    """
    request, found = read(document)
    if request is None:
        return found
    found = [*_names(request, known), *_formulas(request, known), *_expects(request, known)]
    found += [*_collisions(request, known), *_contract(request, known)]
    if is_sound(found):
        found += check_examples.work_out(request, known)
    if thorough and is_sound(found):
        found += check_examples.take_in(request)
        found += check_samples.take_in(request, samples)
    return found


def _names(request: ChangeRequest, known: Known) -> Iterator[Finding]:
    if (table := request.new_table) is not None:
        if table.name in known.contracts:
            yield Finding("new_table.name", "is a table that comes already: ask for columns to it")
        yield from _source(request, known)
    if (added := request.columns) is not None:
        there = known.raw_types(added.table)
        if not there:
            yield Finding("columns.table", _none_such(added.table, known.contracts))
        for number, column in enumerate(added.columns):
            if column.name in there:
                place = f"columns.columns.{number}.name"
                yield Finding(place, f"is a column of {added.table} already")
        for name in set(added.read_by) - known.attributes:
            yield Finding("columns.read_by", f"{name} is no attribute of the view", "doubtful")
    if (attribute := request.attribute) is not None:
        yield from _attribute(request, known, attribute.name, attribute.replaces)
    if (activity := request.activity) is not None:
        named = {activity.customer_column, activity.time_column, *activity.dedupe_key}
        yield from _raw_columns("activity", activity.table, named, request, known)
    if (purchases := request.purchases) is not None:
        yield from _raw_columns("purchases", purchases.table, set(), request, known)


def _source(request: ChangeRequest, known: Known) -> Iterator[Finding]:
    assert request.new_table is not None
    source, table = known.sources.get(request.new_table.source), request.new_table
    if source is None:
        said = f"{table.source} is a source that nobody has connected yet: an engineer has to"
        yield Finding("new_table.source", said, "doubtful")
    elif source.kind != table.source_kind:
        yield Finding("new_table.source_kind", f"{table.source} is of the kind {source.kind}")
    elif table.name in source.tables:
        said = f"is declared in sources/{table.source}.yml already"
        yield Finding("new_table.name", said, "doubtful")


def _attribute(
    request: ChangeRequest, known: Known, name: str, replaces: str | None
) -> Iterator[Finding]:
    assert request.attribute is not None
    if name in known.attributes and name != replaces:
        yield Finding("attribute.name", "is an attribute of the view already")
    if replaces and replaces not in known.attributes:
        yield Finding("attribute.replaces", f"{replaces} is no attribute of the view")
    if known.inputs and request.attribute.input not in known.inputs:
        said = f"{request.attribute.input} is no table with customers: "
        yield Finding("attribute.input", said + ", ".join(sorted(known.inputs)))


def _raw_columns(
    part: str, table: str, named: set[str], request: ChangeRequest, known: Known
) -> Iterator[Finding]:
    there = types_of(table, request, known)
    if not there:
        yield Finding(f"{part}.table", _none_such(table, known.contracts))
        return
    for name in sorted(named - set(there)):
        yield Finding(part, f"{name} is no column of {table}")


def _formulas(request: ChangeRequest, known: Known) -> Iterator[Finding]:
    for kind, part in request.asked.items():
        try:
            found = dict(formulas_of(part))
        except NotAnExpression as error:
            yield Finding(kind, f"an expression {error}")
            continue
        there = columns_of(kind, request, known)
        for field, formula in found.items():
            unknown = unknown_columns([formula], there) if there else []
            if unknown:
                yield Finding(f"{kind}.{field}", f"names {', '.join(unknown)}, which is no column")
    if (attribute := request.attribute) is not None and attribute.window_column:
        there = columns_of("attribute", request, known)
        if there and attribute.window_column not in there:
            yield Finding("attribute.window_column", f"is no column of {attribute.input}")


def _expects(request: ChangeRequest, known: Known) -> Iterator[Finding]:
    if not known.attributes:
        return
    new = {request.attribute.name} if request.attribute else set()
    for name in sorted(set(request.expects.attributes) - known.attributes):
        yield Finding(f"expects.attributes.{name}", f"is no attribute of the {VIEW}")
    for name in sorted(set(request.expects.campaigns) - known.campaigns):
        yield Finding(f"expects.campaigns.{name}", "is no campaign")
    plain = {name for name in request.expects.columns.new if "." not in name}
    for name in sorted(new - plain - known.attributes):
        said = f"{name} comes new: it is added to the new columns when this is accepted"
        yield Finding("expects.columns.new", said, "doubtful")
    if request.purchases is not None and not request.expects.attributes:
        yield Finding("expects.attributes", "another purchase history changes attributes: which?")


def _collisions(request: ChangeRequest, known: Known) -> Iterator[Finding]:
    mine = names_of(request.model_dump())
    for other in known.others:
        if other.id == request.id:
            continue
        for name in sorted(mine & names_of(other.content)):
            said = f"{other.id} ({other.title}, {other.status}) is about {name} as well"
            yield Finding("", said, "doubtful")


def names_of(content: Mapping[str, Any]) -> set[str]:
    """Return what a request makes or changes, by name: tables, columns, attributes."""
    found = set()
    for kind in KINDS:
        part = content.get(kind)
        if not isinstance(part, Mapping):
            continue
        name = part.get("name") or part.get("table")
        found |= {str(part[key]) for key in ("name", "event") if part.get(key)}
        if kind in ("new_table", "columns"):
            columns = part.get("columns") or ()
            told = [each.get("name") for each in columns if isinstance(each, Mapping)]
            found |= {f"{name}.{column}" for column in told}
    expected = (content.get("expects") or {}).get("attributes") or {}
    return found | {str(each) for each in expected}


def _contract(request: ChangeRequest, known: Known) -> Iterator[Finding]:
    if request.new_table is not None:
        reason = why_not(
            source_of_table(request.new_table, request.wanted_on, request.about_consent)
        )
        if reason is not None:
            yield Finding("new_table", f"no contract may say so: {reason}")
        if request.about_consent and request.new_table.if_missing == "notify_only":
            said = "about consent, and campaigns go on when it does not come: is that meant?"
            yield Finding("new_table.if_missing", said, "doubtful")
    if (added := request.columns) is not None and added.table in known.contracts:
        rule = known.contracts[added.table].on_missing_column
        if rule != added.if_absent:
            said = f"{added.table} does otherwise with every column that does not come: {rule}"
            yield Finding("columns.if_absent", said, "doubtful")


def _none_such(table: str, contracts: Mapping[str, Any]) -> str:
    return f"there is no table {table}: {', '.join(sorted(contracts))}"
