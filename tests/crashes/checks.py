"""What must be true: at once after a kill, and when the same command has been run to its end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa

from flows.builds import fingerprints, live
from flows.intake.landing import digest
from flows.ledger import (
    Ledger,
    builds,
    deliveries,
    deploy_steps,
    deploys,
    nights,
    occurrences,
    publications,
    slots,
)
from flows.ledger import fingerprints as fingerprints_table
from flows.settings import Instance
from tests.crashes.scenarios import Scenario

# What no run may leave: half of something, under whatever name it was made.
HALVES = (
    "builds/candidate.duckdb*",
    "landing/**/.arriving/*",
    "**/*.wal",
    "**/*.tmp",
    "spill/*/*",
    "outbox/*/.*",
)
KEPT = ("landing", "batches", "quarantine", "outbox")
OF_DELIVERY = ("table_name", "business_date", "version", "state", "sha256", "rows_accepted")
OF_OCCURRENCE = ("campaign_id", "business_date", "channel", "chosen", "control", "sha256")
_known: dict[tuple[int, int, int], dict[str, tuple[int, str]]] = {}


@dataclass(frozen=True)
class Outcome:
    """What a run came to, in everything that must be the same however often it was killed."""

    tables: dict[str, tuple[int, str]]
    deliveries: tuple[tuple[Any, ...], ...]
    occurrences: tuple[tuple[Any, ...], ...]
    files: dict[str, str]  # of the outbox: name and sha256
    receipts: dict[str, tuple[int, int]]  # rows, and those held back
    names: frozenset[str]  # of the files that are kept for good

    @classmethod
    def of(cls, scenario: Scenario) -> Outcome:
        """Read it from the disk and the ledger of the scenario's instance."""
        instance = scenario.instance
        ledger = Ledger(instance.ledger_url)
        outbox = sorted(path for path in instance.outbox.rglob("*") if path.is_file())
        written = [path for path in outbox if path.suffix in (".csv", ".json")]
        rooms = [instance.root / room for room in KEPT]
        kept = [path for room in rooms for path in room.rglob("*") if path.is_file()]
        return cls(
            fingerprints.take(live.path_of(instance, live.current_or_stop(instance))),
            _columns(ledger, deliveries, OF_DELIVERY),
            _columns(ledger, occurrences, OF_OCCURRENCE),
            {path.name: digest(path) for path in written},
            {path.name: _counted(path) for path in outbox if path.suffix == ".parquet"},
            frozenset(str(path.relative_to(instance.root)) for path in kept),
        )


def differences(was: Outcome, now: Outcome) -> list[str]:
    """Return in what two outcomes differ, in words."""
    said = []
    for part in ("tables", "files", "receipts"):
        one, other = getattr(was, part), getattr(now, part)
        said += [
            f"{part} differ: {name}"
            for name in sorted(one.keys() | other.keys())
            if one.get(name) != other.get(name)
        ]
    for part in ("deliveries", "occurrences", "names"):
        apart = set(getattr(was, part)) ^ set(getattr(now, part))
        said += [f"{part} differ: {each}" for each in sorted(map(str, apart))[:5]]
    return said


def sent(scenario: Scenario) -> dict[str, tuple[str, int]]:
    """Return when each occurrence that is sent was sent, and the inode of its file."""
    query = sa.select(occurrences).where(occurrences.c.state == "sent")
    return {
        f"{row['campaign_id']} of {row['business_date']}": (
            str(row["sent_at"]),
            Path(row["path"]).stat().st_ino,
        )
        for row in Ledger(scenario.instance.ledger_url).rows(query)
    }


def sent_again(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return what had been sent, and is not as it was sent: written once more, or lost."""
    return [f"sent, and touched again: {name}" for name in was if now.get(name) != was[name]]


def live_is_whole(instance: Instance) -> list[str]:
    """Return what is wrong with live, at any moment; nothing when nothing is."""
    build_id = live.current(instance)
    if build_id is None or not instance.live.is_file():
        return [f"live points to {build_id}, which is not there"]
    ledger = Ledger(instance.ledger_url)
    query = sa.select(fingerprints_table).where(fingerprints_table.c.build_id == build_id)
    known = {row["relation"]: (row["row_count"], row["row_hash"]) for row in ledger.rows(query)}
    if known != _public(instance.live.resolve()):
        return [f"live is {build_id} and does not hold what the ledger says of it"]
    return []


def ledger_and_disk_agree(scenario: Scenario) -> list[str]:
    """Return where ledger and disk contradict each other, or either has a half of something."""
    instance = scenario.instance
    ledger = Ledger(instance.ledger_url)
    said = [*live_is_whole(instance), *_open_rows(ledger), *_builds(instance, ledger)]
    for pattern in HALVES:
        said += [f"left behind: {path}" for path in instance.root.glob(pattern)]
    said += [*_publications(instance, ledger), *_messages(instance, scenario)]
    if scenario.name == "redeploy":
        said += _deploy(instance, ledger, scenario.command[-1])
    return said


def _open_rows(ledger: Ledger) -> list[str]:
    said = [
        f"{table.name} has a row that is {row['state']}"
        for table in (nights, deploys, deploy_steps, builds, occurrences)
        for row in ledger.rows(sa.select(table.c.state))
        if row["state"] in ("running", "building", "sending")
    ]
    return said + [f"the slot is held: {row['doing']}" for row in ledger.rows(sa.select(slots))]


def _builds(instance: Instance, ledger: Ledger) -> list[str]:
    rows = {row["build_id"]: row["state"] for row in ledger.rows(sa.select(builds))}
    good = {name for name, state in rows.items() if state != "failed"}
    ends = (".duckdb", ".manifest.json", ".batches.json")
    wanted = {f"{name}{end}" for name in good for end in ends}
    there = {path.name for path in instance.builds.iterdir()}
    return [f"builds/{name}: file and row do not agree" for name in sorted(wanted ^ there)]


def _publications(instance: Instance, ledger: Ledger) -> list[str]:
    rows = ledger.rows(sa.select(publications).order_by(publications.c.id))
    said = [
        f"publication {after['id']} replaced {after['replaced_build_id']}, and {before['build_id']}"
        " was live"
        for before, after in pairwise(rows)
        if after["replaced_build_id"] != before["build_id"]
    ]
    state = ledger.row(sa.select(builds).where(builds.c.build_id == rows[-1]["build_id"])) or {}
    if rows[-1]["build_id"] != live.current(instance) or state["state"] != "published":
        said.append(f"live is {live.current(instance)}, and the ledger says {rows[-1]['build_id']}")
    for row in rows:
        forward = not row["replaced_build_id"] or row["build_id"] > row["replaced_build_id"]
        if forward == (row["kind"] == "roll back"):
            said.append(f"the ledger calls publication {row['id']} a {row['kind']}")
    return said


def _deploy(instance: Instance, ledger: Ledger, release: str) -> list[str]:
    row = ledger.row(sa.select(deploys).order_by(deploys.c.id.desc())) or {}
    told = (row.get("release"), row.get("state"), row.get("candidate_id"))
    wanted = (release, "published", live.current(instance))
    return [] if told == wanted else [f"the deploy is {told} and should be {wanted}"]


def _messages(instance: Instance, scenario: Scenario) -> list[str]:
    """Nobody is written to twice on a day, and each manifest says what lies beside it."""
    said = []
    receipts = sorted(instance.outbox.rglob(f"*__{scenario.day}.csv.receipt.parquet"))
    if receipts:
        query = (
            "select count(*) - count(distinct customer_id) from read_parquet(?) "
            "where not is_control"
        )
        twice = duckdb.execute(query, [list(map(str, receipts))]).fetchall()[0][0]
        said += [f"{twice} customers are written to twice"] if twice else []
    for manifest in instance.outbox.rglob(f"manifest__{scenario.day}.json"):
        files = json.loads(manifest.read_text())["files"]
        told = {entry["file"]: entry["sha256"] for entry in files}
        there = {path.name: digest(path) for path in manifest.parent.glob(f"*__{scenario.day}.csv")}
        if told != there or max(Counter(each["file"] for each in files).values()) > 1:
            said.append(f"{manifest.name} does not name what lies beside it")
    return said


def _columns(ledger: Ledger, table: sa.Table, names: tuple[str, ...]) -> tuple[Any, ...]:
    rows = ledger.rows(sa.select(*(table.c[name] for name in names)))
    return tuple(sorted((tuple(row.values()) for row in rows), key=str))


def _counted(path: Path) -> tuple[int, int]:
    query = "select count(*), coalesce(count_if(is_control), 0) from read_parquet(?)"
    rows, control = duckdb.execute(query, [str(path)]).fetchall()[0]
    return int(rows), int(control)


def _public(build: Path) -> dict[str, tuple[int, str]]:
    at = build.stat()
    key = (at.st_ino, at.st_size, at.st_mtime_ns)
    if key not in _known:
        _known[key] = fingerprints.take(build, fingerprints.PUBLIC)
    return _known[key]
