"""The sample files of a request, taken in by what the request says of their table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from flows.desk.findings import Finding
from flows.desk.kinds import NewTable
from flows.desk.promised import contract_of, source_of_table
from flows.desk.rehearsal import DeliveryRefused, Rehearsed, form_of, rehearse
from flows.desk.request import ChangeRequest

WHERE = "files"


def take_in(request: ChangeRequest, samples: Mapping[str, Path]) -> list[Finding]:
    """Return what in a sample does not fit what the request says of its table.

    A sample of another table than the new one is held against nothing here.
    """
    table = request.new_table
    if table is None:
        return []
    if table.name not in samples:
        said = f"no sample of {table.name} is there: types and key are not proved"
        return [Finding(WHERE, said, "doubtful")]
    contract = contract_of(source_of_table(table, request.wanted_on))
    try:
        found = rehearse(contract, samples[table.name], form_of(table.model_dump()))
    except DeliveryRefused as refused:
        return [Finding(WHERE, f"the sample of {table.name} cannot be taken in: {refused}")]
    return list(_told(table, found))


def _told(table: NewTable, found: Rehearsed) -> Iterator[Finding]:
    for sentence in found.broken:
        yield Finding(WHERE, f"the sample of {table.name} breaks what is said: {sentence}")
    for reason, rows in sorted(found.reasons.items()):
        said = f"{rows:,} of {found.delivered:,} rows of the sample would be set aside: {reason}"
        yield Finding(WHERE, said)
    if not found.delivered:
        yield Finding(WHERE, f"the sample of {table.name} has no rows")
    if found.delivered > table.rows_a_day_high:
        said = f"the sample has {found.delivered:,} rows, more than a day has at most"
        yield Finding("new_table.rows_a_day_high", said, "doubtful")
