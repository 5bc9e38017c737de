"""`scv source check` and `scv contract draft`: a few rows of a source, held against a contract."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
from rich.table import Table

from flows import clock
from flows.console import console, say
from flows.contracts import drafting
from flows.contracts.contract import Contract
from flows.contracts.files import read_contracts
from flows.errors import ColumnsDiffer, ContractWrong, DeliveryRefused, FileBroken, SettingsWrong
from flows.intake import columns, sampling
from flows.intake.batches import Span
from flows.intake.casting import form_of
from flows.intake.landing import Landed
from flows.intake.reading import reader
from flows.intake.reading.delivery import workbench
from flows.intake.sorting import Sorting
from flows.intake.sources.declared import read_sources
from flows.intake.sources.texts import VARIABLE
from flows.ledger import Ledger
from flows.settings import PROJECT, Instance, read_instance
from flows.summary import latest_day

DRAFTS = PROJECT / "drafts"
NAME = r"[a-z][a-z0-9_]*"
SHOWN = 10
MOST_ABREAST = 9
SAMPLE = 20_000


def check_source(name: str, day: dt.date | None) -> int:
    """Check a table, or every table of a source; return 0 when all is as agreed, else 1."""
    instance, sources = read_instance(), read_sources()
    tables = list(sources[name].tables) if name in sources else [name]
    day = day or _last_day(instance)
    return max(_check_table(instance, sources, table, day) for table in tables)


def list_sources() -> None:
    """Print every source: its kind, its tables, and whether its variables are set."""
    table = Table(title="Sources", title_justify="left")
    for heading in ("source", "kind", "tables", "variables"):
        table.add_column(heading, overflow="fold")
    for name, source in read_sources().items():
        needed = sorted(set(VARIABLE.findall(source.model_dump_json())))
        told = [f"{each}{'' if each in os.environ else ' (not set)'}" for each in needed]
        table.add_row(name, source.kind, ", ".join(source.tables), ", ".join(told) or "none")
    console.print(table)


def draft_contract(table: str, day: dt.date | None, to: Path | None) -> str:
    """Write a draft of a contract and return what is left to do.

    It stands apart from the contracts: an unfinished one would stop the night.

    Raises:
        ContractWrong: when there is a draft already, or it cannot be written there.
    """
    instance, sources = read_instance(), read_sources()
    target = to or DRAFTS / f"{table}.yml"
    if target.exists():
        raise ContractWrong(f"{target} is there already: a draft never writes over anything.")
    name, source = sampling.source_named(sources, table)
    day = day or _last_day(instance)
    with _folder(instance, table) as folder:
        landed = sampling.fetch_sample(instance, sources, table, "the client", day, SAMPLE, folder)
        with workbench(instance.intake_memory, instance.threads, str(folder)) as connection:
            sampling.look(connection, landed, None, folder, SAMPLE)
            forms = {kind: str(form_of(kind)) for kind in drafting.KINDS}
            guesses = drafting.guess(connection, sampling.RELATION, forms)
            keys = drafting.keys_of(connection, sampling.RELATION, guesses)
            count = f"select count(*) from {sampling.RELATION}"
            rows = connection.execute(count).fetchall()[0][0]
    changed_since = getattr(source.tables[table], "changed_since", None)
    load = "delta" if changed_since or "{business_date" in str(source.tables[table]) else "full"
    try:
        target.parent.mkdir(exist_ok=True)
        target.write_text(drafting.draft(table, name, load, guesses, keys))
    except OSError as error:
        raise ContractWrong(f"{target} cannot be written: {error.strerror}.") from None
    return _what_is_left(target, rows, [guess.name for guess in guesses], keys)


def _what_is_left(target: Path, rows: int, names: list[str], keys: list[str]) -> str:
    said = [f"{target} is a draft from {rows:,} rows: {len(names)} columns, one row per "]
    said += [", ".join(keys), "."]
    if rows < drafting.FEW_ROWS:
        said.append(" So few rows prove little: doubt its keys and what is always filled.")
    odd = [name for name in names if not re.fullmatch(NAME, name)]
    if odd:
        said.append(
            f" No contract can have a column called {', '.join(odd)}: lower case, digits and _. "
            "Of a database, name it otherwise in a query of the source (select … as …); of a file, "
            "ask the client, or read it without its header (header: false)."
        )
    said.append(
        f" Finish what is empty, read what is guessed, move it to expectations/, then: scv check, "
        f"scv source check {target.stem}"
    )
    return "".join(said)


def _check_table(instance: Instance, sources: dict[str, Any], table: str, day: dt.date) -> int:
    contract = read_contracts().get(table)
    owner = contract.owner if contract else "the client"
    try:
        with (
            _folder(instance, table) as folder,
            workbench(instance.intake_memory, instance.threads, str(folder)) as connection,
        ):
            landed = sampling.fetch_sample(instance, sources, table, owner, day, SHOWN, folder)
            names = sampling.look(connection, landed, contract, folder, SHOWN)
            say(f"{table} for {day}: it answers, {len(names)} columns", "green")
            _show_rows(connection, names)
            if contract is None:
                say(f"There is no contract yet. To draft one: scv contract draft {table}")
                return 0
            return _compare(connection, contract, landed, folder, names)
    except DeliveryRefused as refused:
        say(str(refused), "red")
        return 1


def _compare(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    landed: Landed,
    folder: Path,
    names: list[str],
) -> int:
    for drift in columns.compare(contract, names):
        says = "the contract refuses that" if drift.refused else "the contract lets that pass"
        say(f"  it {drift} ({says})", "red" if drift.refused else "yellow")
    try:
        delivery = reader.read(connection, contract, landed, folder)
        span = Span(dt.date.max, None)
        sorting = Sorting(connection, contract, delivery, span, folder / "typed.parquet")
        sorting.run()
    except (ColumnsDiffer, FileBroken) as refused:
        say(f"  {refused}", "red")
        return 1
    counts = sorting.count()
    found = connection.execute(
        "select reason, count(*) from quarantined group by 1 order by 2 desc limit 5"
    ).fetchall()
    for reason, count in found:
        say(f"  {count:,} rows would be set aside: {reason}", "yellow")
    fit = f"{counts.accepted:,} of {counts.delivered:,} rows of the sample fit their types"
    say(f"  {fit}, by expectations/{contract.table}.yml")
    return 1 if counts.quarantined else 0


def _show_rows(connection: duckdb.DuckDBPyConnection, names: list[str]) -> None:
    query = f"select columns(*)::varchar from {sampling.RELATION} limit {SHOWN}"
    found = connection.execute(query).fetchall()
    rows = [["" if value is None else value for value in row] for row in found]
    # A wide table is shown on its side: its columns below each other.
    lies = len(names) > MOST_ABREAST
    table = Table(show_header=not lies)
    for name in ["", *map(str, range(len(rows)))] if lies else names:
        widest = max(map(len, names)) if lies and not name else None
        table.add_column(
            name, overflow="ellipsis" if lies else "fold", no_wrap=lies, min_width=widest
        )
    values = [list(row) for row in zip(names, *rows, strict=True)] if lies else rows
    for row in values:
        table.add_row(*row)
    console.print(table)


@contextmanager
def _folder(instance: Instance, table: str) -> Iterator[Path]:
    """A folder for a sample, which is a customer's data: nothing of it is left behind."""
    folder = instance.root / "spill" / f"sample-{table}"
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _last_day(instance: Instance) -> dt.date:
    known = latest_day(Ledger(instance.ledger_url))
    if known is None:
        raise SettingsWrong(
            f"Nothing has run yet, so the date must be said: --date {clock.now(instance).date()}"
        )
    return known
