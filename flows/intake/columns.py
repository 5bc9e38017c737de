"""The columns that came, held against those of the contract: every drift is found and named.

Columns are compared by name, never by position. What is done about a drift is the contract's own
rule: refuse the delivery, or go on and say so.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flows.contracts.contract import Contract
from flows.errors import ColumnsDiffer
from flows.intake.casting import is_same

# Two names as near as this are taken for one name, written otherwise.
ALIKE = 0.6
_INTEGERS = r"U?(BIG|HUGE|SMALL|TINY)INT|U?INTEGER"
_FAMILIES = {
    "bigint": _INTEGERS,
    "integer": _INTEGERS,
    "varchar": "VARCHAR",
    "date": "DATE",
    "timestamp": r"TIMESTAMP.*|DATE",
    "boolean": "BOOLEAN",
    "decimal": r"DECIMAL\(.*\)",
}


@dataclass(frozen=True)
class Drift:
    """One difference between a delivery and its contract, and whether the contract refuses it."""

    kind: str  # new | missing | renamed | repeated | reordered | retyped
    column: str
    detail: str
    refused: bool

    def __str__(self) -> str:
        return self.detail


def compare(
    contract: Contract, delivered: Sequence[str], types: Mapping[str, str] | None = None
) -> list[Drift]:
    """Return every drift of the delivered columns; `types` are DuckDB's, where the client has any.

    A column that is missing while a new one has nearly its name is said to be renamed.
    """
    missing = [name for name in contract.names if name not in delivered]
    new = [name for name in dict.fromkeys(delivered) if name not in contract.names]
    renamed = _renamed(missing, new)
    drifts = [_rename(contract, *pair) for pair in renamed.items()]
    drifts += [_missing(contract, name) for name in missing if name not in renamed]
    drifts += [_new(contract, name) for name in new if name not in renamed.values()]
    drifts += _repeated(delivered)
    drifts += _reordered(contract, delivered)
    return drifts + _retyped(contract, types or {})


def refuse(contract: Contract, drifts: Sequence[Drift], file: str) -> None:
    """Refuse a delivery with a drift that its contract does not let pass.

    Raises:
        ColumnsDiffer: with every such drift by name.
    """
    refused = [str(drift) for drift in drifts if drift.refused]
    if refused:
        raise ColumnsDiffer(
            f"{file} {' and '.join(refused)}. The contract is expectations/{contract.table}.yml: "
            f"ask {contract.owner} whether that is meant. If it is, it comes by change request, "
            "the contract first; if not, have it sent again."
        )


def _renamed(missing: list[str], new: list[str]) -> dict[str, str]:
    if len(missing) == len(new) == 1:
        return {missing[0]: new[0]}
    pairs: dict[str, str] = {}
    for name in missing:
        free = [each for each in new if each not in pairs.values()]
        if near := difflib.get_close_matches(name, free, n=1, cutoff=ALIKE):
            pairs[name] = near[0]
    return pairs


def _rename(contract: Contract, name: str, new: str) -> Drift:
    refused = "fail" in (contract.on_missing_column, contract.on_new_column)
    said = f"lacks {name} and has the new {_told(new)}, as if renamed"
    return Drift("renamed", name, said, refused)


def _told(name: str) -> str:
    return name if name.strip() else "column without a name"


def _missing(contract: Contract, name: str) -> Drift:
    return Drift("missing", name, f"lacks {name}", contract.on_missing_column == "fail")


def _new(contract: Contract, name: str) -> Drift:
    held = "" if contract.on_new_column == "fail" else ", which is held in the landing"
    said = f"has the new {_told(name)}{held}"
    return Drift("new", name, said, contract.on_new_column == "fail")


def _repeated(delivered: Sequence[str]) -> list[Drift]:
    # DuckDB does not tell a from A: which of the two is meant could not be said.
    counted = Counter(name.lower() for name in delivered)
    twice = sorted(name for name, times in counted.items() if times > 1)
    return [Drift("repeated", name, f"repeats {_told(name)}", True) for name in twice]


def _reordered(contract: Contract, delivered: Sequence[str]) -> list[Drift]:
    known = [name for name in delivered if name in contract.names]
    agreed = [name for name in contract.names if name in known]
    if known == agreed or len(set(known)) != len(known):
        return []
    first = next(a for a, b in zip(known, agreed, strict=True) if a != b)
    said = f"has its columns in another order, from {first} on"
    return [Drift("reordered", first, said, contract.on_reordered_columns == "fail")]


def _retyped(contract: Contract, types: Mapping[str, str]) -> list[Drift]:
    return [
        Drift(
            "retyped",
            column.name,
            f"has {column.name} as {types[column.name].lower()}, not as {column.data_type}",
            contract.on_retyped_column == "fail",
        )
        for column in contract.columns
        if column.name in types
        and not is_same(column, types[column.name])
        and not re.fullmatch(_FAMILIES[column.data_type.split("(")[0]], types[column.name])
    ]
