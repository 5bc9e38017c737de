"""What there is already, read now and then, and the names that the form suggests from it."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Mapping

from flows.desk.known import Known, is_open, known_of
from flows.desk.store import Desk
from flows.settings import Instance
from flows.web.users import User

KEPT_FOR = 60.0  # seconds: contracts and live change by nights and releases


class Knowledge:
    """What is known of an instance; other requests are read anew each time."""

    def __init__(self, instance: Instance, desk: Desk) -> None:
        self._instance, self._desk, self._lock = instance, desk, threading.Lock()
        self._known: Known | None = None
        self._read_at = 0.0

    def for_(self, user: User) -> Known:
        """Return what somebody's request is held against: of others only what they may see."""
        with self._lock:
            if self._known is None or time.monotonic() - self._read_at > KEPT_FOR:
                self._known, self._read_at = known_of(self._instance), time.monotonic()
            known = self._known
        seen = [
            each for each in self._desk.documents() if is_open(each) and user.sees(each.content)
        ]
        return dataclasses.replace(known, others=seen)


def suggestions(known: Known, instance: Instance) -> Mapping[str, list[str]]:
    """Return lists of names by what they are of."""
    columns = {each.name for contract in known.contracts.values() for each in contract.columns}
    return {
        "tables": sorted(known.contracts),
        "columns": sorted(columns),
        "inputs": sorted(known.inputs),
        "attributes": sorted(known.attributes),
        "campaigns": sorted(known.campaigns),
        "sources": sorted(known.sources),
        "instances": sorted({"demo", "qa", "production", instance.instance}),
        "clients": [instance.client],
    }


# Which list a field suggests from, by its place without the numbers of rows.
SUGGESTED = {
    "client": "clients",
    "instance": "instances",
    "more_instances": "instances",
    "used_by.campaign": "campaigns",
    "new_table.source": "sources",
    "columns.table": "tables",
    "columns.read_by": "attributes",
    "attribute.input": "inputs",
    "attribute.window_column": "columns",
    "attribute.replaces": "attributes",
    "activity.table": "tables",
    "activity.customer_column": "columns",
    "activity.time_column": "columns",
    "activity.dedupe_key": "columns",
    "activity.attributes": "attributes",
    "activity.triggers": "campaigns",
    "purchases.table": "tables",
    "expects.attributes.name": "attributes",
    "expects.campaigns.name": "campaigns",
    "expects.columns.removed": "attributes",
    "expects.columns.retyped": "attributes",
    "expects.columns.moved": "attributes",
    "files.sample_of": "tables",
}


def list_of(name: str) -> str | None:
    """Return the list that the field with this name suggests from."""
    return SUGGESTED.get(".".join(part for part in name.split(".") if not part.isdigit()))
