"""`scv explain column`: an attribute, a raw column or a raw table, and what was done with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flows.campaigns import lineage
from flows.campaigns.attributes import Attribute, Hanging, attributes_of, hanging_on
from flows.campaigns.graph import VIEW
from flows.console import console, say
from flows.contracts.contract import Contract, Expectation
from flows.contracts.files import read_contracts
from flows.desk.field_history import Entry, read_known
from flows.explain import open_live, unknown
from flows.ledger import Ledger
from flows.settings import Instance

# Of an entry that has a way of its own, such as a request: more would not be read in a terminal.
STEPS_SHOWN = 12


@dataclass(frozen=True)
class Explained:
    """A field as it is told: lines of a label and a text, and what was done with it.

    Args:
        facts: the same as the lines, for machines.
        note: what of its past cannot be known here.
    """

    name: str
    lines: Mapping[str, str]
    facts: Mapping[str, Any]
    history: Sequence[Entry] = ()
    note: str = ""


def of_column(name: str, *, as_json: bool = False) -> None:
    """Print what a field means, what it is made of or who reads it, and what was done with it.

    Args:
        name: an attribute of the view, `table.column`, a raw table, or a raw column of any table.
        as_json: for machines.

    Raises:
        NothingPublished: when nothing is live.
        SettingsWrong: when there is no such field.
    """
    instance, build_id, graph = open_live()
    attributes = {each.name: each for each in attributes_of(graph)}
    contracts = read_contracts()
    raw = [f"{table}.{column}" for table, each in contracts.items() for column in each.names]
    named = [each for each in raw if name in (each, each.partition(".")[2])]
    if name in attributes:
        told = _attribute(attributes[name], build_id)
        also = {"also a raw column": ", ".join(named)} if named else {}
        told = replace(told, lines={**told.lines, **also})
        found = [_with_history(instance, told, None)]
    else:
        named = [name] if name in contracts else named
        if not named:
            bare = [each.partition(".")[2] for each in raw]
            raise unknown("column", name, sorted({*attributes, *contracts, *raw, *bare}))
        listed, reads = list(attributes.values()), lineage.read(graph)
        found = []
        for each in named:
            table, _, column = each.partition(".")
            hanging = hanging_on(table, listed, reads)
            told = _raw(contracts[table], column, hanging, attributes)
            found.append(_with_history(instance, told, table))
    if as_json:
        told_all = [_for_machines(each) for each in found]
        console.print_json(json.dumps(told_all[0] if len(found) == 1 else told_all, default=str))
        return
    for place, one in enumerate(found):
        if place:
            say("")
        _show(one)


def _with_history(instance: Instance, told: Explained, table: str | None) -> Explained:
    # An attribute is in no contract: nothing of them has to be read.
    known = read_known(instance, Ledger(instance.ledger_url), table or "-")
    return replace(told, history=known.of(told.name), note=known.note)


def _attribute(found: Attribute, build_id: str) -> Explained:
    lines = {
        "column": f"{VIEW}.{found.name} ({found.data_type}), build {build_id}",
        "meaning": found.meaning,
        "computed in": ", ".join(found.sections) or "the build itself",
        "made of": found.made_of or "no raw column: it is a fact of the build",
        "depends also on": found.depends_on or "no other raw column",
        "read by campaigns": ", ".join(found.campaigns) or "none",
        "told as a reason by": ", ".join(found.told_by) or "none",
    }
    facts = {
        "name": found.name,
        "kind": "attribute",
        "build": build_id,
        "data_type": found.data_type,
        "meaning": found.meaning,
        "is_personal": found.is_personal,
        "computed_in": list(found.sections),
        "made_of": sorted(map(str, found.trace.made_of)),
        "depends_on": sorted(map(str, found.trace.depends - found.trace.made_of)),
        "campaigns": list(found.campaigns),
        "told_by": list(found.told_by),
    }
    return Explained(found.name, lines, facts)


def _raw(
    contract: Contract, column: str, hanging: Hanging, attributes: Mapping[str, Attribute]
) -> Explained:
    if not column:
        return _table(contract, hanging)
    of = next(each for each in contract.columns if each.name == column)
    made = hanging.by_column.get(column, ())
    campaigns = sorted({each for name in made for each in attributes[name].campaigns})
    name = f"{contract.table}.{column}"
    checks = [_check(each) for each in of.suite]
    lines = {
        "raw column": f"{name} ({of.data_type}), sent by {contract.owner}",
        "meaning": of.description,
        "checks": "; ".join(checks) or "none of its own",
        "attributes of it": ", ".join(made) or "none",
        "campaigns by those": ", ".join(campaigns) or "none",
        "wait for its table": ", ".join(hanging.campaigns) or "no campaign",
    }
    facts = {
        "name": name,
        "kind": "raw column",
        "data_type": of.data_type,
        "meaning": of.description,
        "checks": checks,
        "attributes": list(made),
        "campaigns": campaigns,
        "waiting_for_its_table": list(hanging.campaigns),
    }
    return Explained(name, lines, facts)


def _table(contract: Contract, hanging: Hanging) -> Explained:
    meaning = contract.description.split("\n\n")[0].strip()
    lines = {
        "raw table": f"{contract.table}, sent by {contract.owner}, ready by {contract.ready_by}",
        "meaning": meaning,
        "columns": ", ".join(contract.names),
        "if it is missing": f"{contract.if_missing}, {contract.decided}: {contract.because}",
        "attributes of it": ", ".join(hanging.made_of_it) or "none",
        "campaigns": ", ".join(hanging.campaigns) or "none",
    }
    facts = {
        "name": contract.table,
        "kind": "raw table",
        "meaning": meaning,
        "columns": contract.names,
        "if_missing": contract.if_missing,
        "attributes": list(hanging.made_of_it),
        "campaigns": list(hanging.campaigns),
    }
    return Explained(contract.table, lines, facts)


def _check(check: Expectation) -> str:
    name = check.type.removeprefix("expect_column_values_to_").replace("_", " ")
    told = ", ".join(f"{key} {value}" for key, value in check.kwargs.items())
    return f"{check.severity}: {name}{' ' + told if told else ''}"


def _show(found: Explained) -> None:
    for label, text in found.lines.items():
        say(f"{label + ':':<21}{text}")
    if not found.history:
        say(f"{'done with it:':<21}nothing that is written down")
    for place, each in enumerate(found.history):
        say(f"{'done with it:' if not place else '':<21}{_in_words(each)}")
        for step in each.steps[-STEPS_SHOWN:]:
            by = f" by {step.who}" if step.who else ""
            say(f"{'':<23}{step.at:%Y-%m-%d} {step.what}{by}", "dim")
    if found.note:
        say(f"{'':<21}{found.note}", "dim")


def _in_words(entry: Entry) -> str:
    says = "; ".join(entry.says)
    match entry.kind:
        case "request":
            asked = f", asked for by {entry.who}" if entry.who else ""
            return (
                f"{entry.at:%Y-%m-%d} {entry.name} “{entry.title}” ({entry.status}{asked}): {says}"
            )
        case "comparison":
            return f"{entry.at:%Y-%m-%d} release {entry.title}: {says} See {entry.link}"
        case _:
            by = f"; decided by {entry.who}" if entry.who else ""
            return f"{entry.at:%Y-%m-%d} contract: {says}{by} (commit {entry.name}: {entry.title})"


def _for_machines(found: Explained) -> dict[str, Any]:
    history = [
        {key: value for key, value in vars(each).items() if key != "steps"}
        | {"steps": [vars(step) for step in each.steps]}
        for each in found.history
    ]
    return {**found.facts, "history": history, "note": found.note}
