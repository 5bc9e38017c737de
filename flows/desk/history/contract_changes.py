"""What changed in the contracts, commit by commit, in words.

Versions of the past are read leniently: their contracts may say words that no contract says now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from flows.desk.history.git_log import Commit, Log, read_blobs
from flows.desk.history.remembered import Remembered

FOLDER = "expectations"
DECIDED = ("decided_by", "decided_on", "because", "review_by")
# What is told of a contract by its own differences, or by those of its columns.
NOT_TOLD = (*DECIDED, "suite")
Said = tuple[str, str, str, str]  # table, column or nothing, in words, decided by
Table = Mapping[str, Any]


@dataclass(frozen=True)
class ContractChange:
    """One thing that a commit changed in the contract of a table, or of a column of it."""

    commit: Commit
    table: str
    column: str
    says: str
    decided_by: str


def contract_changes(
    project: Path, log: Log, remembered: Remembered, table: str | None = None
) -> list[ContractChange]:
    """Return what changed in the contracts, the oldest first.

    Args:
        project: the checkout.
        log: its commits that touched contracts.
        remembered: what was read before.
        table: one raw table, or None for all.
    """
    wanted = [
        (commit, touch)
        for commit in log.commits
        for touch in commit.touches
        if touch.path.startswith(f"{FOLDER}/") and touch.path.endswith(".yml")
    ]
    if table is not None:
        wanted = [(c, t) for c, t in wanted if Path(t.path).stem == table]
    blobs = _Blobs(project, [b for _, t in wanted for b in (t.before, t.after) if b])
    found = []
    for commit, touch in wanted:
        said = remembered.answer(
            f"contract {touch.before} {touch.after}",
            lambda touch=touch: differences(blobs[touch.before], blobs[touch.after]),  # type: ignore[misc]
        )
        found += [ContractChange(commit, *each) for each in said]
    return found


def differences(before: bytes, after: bytes) -> list[Said]:
    """Return how two versions of a file differ; an empty one has no table."""
    old, new = _tables(before), _tables(after)
    said: list[Said] = []
    for name in [*new, *(each for each in old if each not in new)]:
        by = str(_meta(new.get(name) or old[name]).get("decided_by") or "")
        said += [(name, column, words, by) for column, words in _of(old.get(name), new.get(name))]
    return said


class _Blobs:
    """Contents by name, read from git when the first one is asked for."""

    def __init__(self, project: Path, names: list[str]) -> None:
        self._project, self._names = project, names
        self._read: Mapping[str, bytes] | None = None

    def __getitem__(self, name: str | None) -> bytes:
        if self._read is None:
            self._read = read_blobs(self._project, self._names)
        return self._read.get(name, b"") if name else b""


def _of(old: Table | None, new: Table | None) -> Iterator[tuple[str, str]]:
    """Yield (column or nothing, words)."""
    if old is None or new is None:
        yield "", "the table got a contract" if old is None else "its contract was taken away"
        for name in _columns(new or old or {}):
            yield name, "came with the table" if old is None else "went with the table"
        return
    for words in _of_meta(_meta(old), _meta(new)):
        yield "", words
    for words in _of_suites(_meta(old).get("suite"), _meta(new).get("suite")):
        yield "", words
    before, after = _columns(old), _columns(new)
    for name in [*after, *(each for each in before if each not in after)]:
        for words in _of_column(before.get(name), after.get(name)):
            yield name, words


def _of_meta(old: Table, new: Table) -> Iterator[str]:
    for key in [*new, *(each for each in old if each not in new)]:
        if key in NOT_TOLD or old.get(key) == new.get(key):
            continue
        if key not in old:
            yield f"{key}: {new[key]}"
        elif key not in new:
            yield f"{key}: {old[key]} was taken out"
        else:
            yield f"{key}: {old[key]} → {new[key]}"
    # Who decided says something of its own only where nothing else was decided anew.
    if old.get("decided_by") != new.get("decided_by"):
        yield f"decided by {new.get('decided_by')}, before by {old.get('decided_by')}"


def _of_column(old: Table | None, new: Table | None) -> Iterator[str]:
    if old is None or new is None:
        known = new or old or {}
        yield f"the column came ({known.get('data_type')})" if old is None else "the column went"
        return
    if old.get("data_type") != new.get("data_type"):
        yield f"type {old.get('data_type')} → {new.get('data_type')}"
    yield from _of_suites(_suite(old), _suite(new))


def _of_suites(old: Any, new: Any) -> Iterator[str]:
    before, after = _checks(old), _checks(new)
    for kind in [*after, *(each for each in before if each not in after)]:
        was, now = before.get(kind), after.get(kind)
        name = kind.removeprefix("expect_column_values_to_").removeprefix("expect_")
        name = name.replace("_", " ")
        if was is None or now is None:
            came = "came" if was is None else "went"
            yield f"the check “{name}”{_kwargs(now or was)} {came}{_severity(now)}"
            continue
        if was.get("kwargs") != now.get("kwargs"):
            yield f"the check “{name}”:{_kwargs(was)} →{_kwargs(now)}"
        if was.get("severity") != now.get("severity"):
            yield f"the check “{name}”: {was.get('severity')} → {now.get('severity')}"


def _severity(check: Table | None) -> str:
    return f", {check.get('severity')}" if check else ""


def _kwargs(check: Table | None) -> str:
    told = (check or {}).get("kwargs")
    if not isinstance(told, Mapping) or not told:
        return ""
    return " " + ", ".join(f"{key} {value}" for key, value in told.items())


def _checks(suite: Any) -> dict[str, Table]:
    """Return checks by name; of two of one name each has a number."""
    found: dict[str, Table] = {}
    for each in suite if isinstance(suite, list) else ():
        if isinstance(each, Mapping):
            name = str(each.get("type"))
            count = sum(key.split("#")[0] == name for key in found)
            found[f"{name}#{count + 1}" if count else name] = each
    return found


def _suite(column: Table) -> Any:
    return _meta(column).get("suite")


def _meta(node: Table) -> Table:
    config = node.get("config")
    meta = config.get("meta") if isinstance(config, Mapping) else None
    return meta if isinstance(meta, Mapping) else {}


def _columns(table: Table) -> dict[str, Table]:
    found = table.get("columns")
    listed = found if isinstance(found, list) else []
    return {str(each.get("name")): each for each in listed if isinstance(each, Mapping)}


def _tables(content: bytes) -> dict[str, Table]:
    try:
        told = YAML(typ="safe", pure=True).load(content.decode()) if content else None
        sources = told["sources"] if isinstance(told, Mapping) else []
        listed = [table for source in sources for table in source["tables"]]
    except (YAMLError, UnicodeError, KeyError, TypeError):
        return {}
    return {str(each.get("name")): each for each in listed if isinstance(each, Mapping)}
