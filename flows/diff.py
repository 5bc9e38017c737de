"""`scv diff`: two builds by name, what differs between them on the screen, as JSON or as a page."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import sqlalchemy as sa
from rich.table import Table

from flows.builds import live
from flows.comparison.compare import compare
from flows.comparison.finding import percent
from flows.comparison.proposal import proposed
from flows.comparison.result import VIEW, Comparison, RelationChange
from flows.comparison.sides import Limits
from flows.comparison_pages import write_comparison
from flows.console import console, say
from flows.desk.written import written
from flows.errors import SettingsWrong
from flows.ledger import Ledger, builds, fingerprints
from flows.settings import Instance, read_instance

ATTRIBUTES_SHOWN = 40


def diff(
    before: str, after: str, *, as_json: bool, page: Path | None, as_expects: bool = False
) -> bool:
    """Print what differs between two builds; return whether anything does.

    Args:
        before: a build's name, `live`, or a business date: the build that is its last word.
        after: see above.
        as_json: print the comparison as JSON, and nothing else.
        page: where a page is to be written, the JSON beside it; None for nowhere.
        as_expects: print what a request would declare, as YAML, and nothing else.

    Raises:
        SettingsWrong: when a name is none of a build that is kept.
        NothingPublished: when `live` is asked for and nothing is.
    """
    instance = read_instance()
    ledger = Ledger(instance.ledger_url)
    found = compare_named(
        instance, ledger, _named(instance, ledger, before), _named(instance, ledger, after)
    )
    if page is not None:
        there = write_comparison(page.parent, page.stem, found)
    if as_json:
        say(found.model_dump_json(indent=1))
    elif as_expects:
        say(written({"expects": proposed(found)}))
    else:
        _show(found)
    if page is not None and not as_json and not as_expects:
        say(f"The page is {there}")
    return found.differs


def compare_named(instance: Instance, ledger: Ledger, before: str, after: str) -> Comparison:
    """Compare two builds of an instance by their ids, with the fingerprints that the ledger has."""
    for name in (before, after):
        for path in (live.path_of(instance, name), live.manifest_of(instance, name)):
            if not path.is_file():
                raise SettingsWrong(f"{name} is not kept any more: {path} is gone.")
    spill = instance.root / "spill"
    spill.mkdir(parents=True, exist_ok=True)
    return compare(
        live.path_of(instance, before),
        live.path_of(instance, after),
        live.manifest_of(instance, before),
        live.manifest_of(instance, after),
        limits=Limits(instance.memory_limit, instance.threads, spill),
        before_prints=prints_of(ledger, before),
        after_prints=prints_of(ledger, after),
    )


def prints_of(ledger: Ledger, build_id: str) -> dict[str, tuple[int, str]]:
    """Return rows and hash of each public table of a build, as its end wrote them down."""
    rows = ledger.rows(sa.select(fingerprints).where(fingerprints.c.build_id == build_id))
    return {row["relation"]: (row["row_count"], row["row_hash"]) for row in rows}


def _named(instance: Instance, ledger: Ledger, name: str) -> str:
    if name == "live":
        return live.current_or_stop(instance)
    kept = {path.stem for path in instance.builds.glob("*.duckdb")}
    if name in kept:
        return name
    day = _date(name)
    if day is not None:
        query = sa.select(builds).where(
            builds.c.business_date == day,
            builds.c.state.in_(["built", "published", "rolled back"]),
        )
        rows = [row for row in ledger.rows(query) if row["build_id"] in kept]
        # What was published last is the date's last word; else what was built last.
        rows.sort(key=lambda row: (row["state"] == "published", row["build_id"]))
        if rows:
            return str(rows[-1]["build_id"])
    listed = ", ".join(sorted(kept)[-5:]) or "none"
    raise SettingsWrong(
        f"'{name}' is no build that is kept: say live, a business date, or one of {listed}."
    )


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _show(found: Comparison) -> None:
    view = found.view
    say(f"{found.before.build_id} (code {found.before.code_version})")
    say(f"{found.after.build_id} (code {found.after.code_version})")
    if not found.differs:
        say("They are equal: nothing that others read differs.", "green")
        return
    customers = f"{view.rows_after:,} customers" if view.rows_after is not None else "Customers"
    say(f"{customers}: {view.only_after:,} new, {view.only_before:,} gone")
    if view.attributes:
        console.print()
        console.print(_attributes(view))
    if len(view.attributes) > ATTRIBUTES_SHOWN:
        say(f"  and {len(view.attributes) - ATTRIBUTES_SHOWN} attributes more: --json or --page")
    audiences = [each for each in found.audiences if each.differs]
    if audiences:
        console.print()
        console.print(_audiences(found))
    for reach in found.reachability:
        if reach.turned_on or reach.turned_off:
            without = f", {reach.without_consent:,} without a yes in the build before"
            say(
                f"  {reach.channel}: {reach.turned_on:,} turned contactable"
                f"{without if reach.without_consent else ''}; {reach.turned_off:,} not any more",
                "red" if reach.without_consent else None,
            )
    others = [each for each in found.changed if each.relation != VIEW or each.columns.differs]
    if others:
        console.print()
        console.print(_others(others))
    unread = sum(not each.is_read for each in found.relations)
    say(f"{unread} of {len(found.relations)} relations cannot differ and were not read.", "dim")
    say(f"Digest {found.digest}", "dim")


def _attributes(view: RelationChange) -> Table:
    table = Table(title="Attributes of the view that changed", title_justify="left")
    table.add_column("attribute")
    for name in ("customers", "share", "filled → null", "null → filled"):
        table.add_column(name, justify="right")
    table.add_column("for example", overflow="fold")
    largest = sorted(view.attributes, key=lambda each: (-each.changed, each.name))
    for each in largest[:ATTRIBUTES_SHOWN]:
        shown = each.examples[:1] if not each.is_personal else ()
        table.add_row(
            each.name,
            f"{each.changed:,}",
            percent(each.share),
            f"{each.lost:,}" if each.lost else "",
            f"{each.gained:,}" if each.gained else "",
            "; ".join(f"{_value(e.before)} → {_value(e.after)}" for e in shown),
        )
    return table


def _audiences(found: Comparison) -> Table:
    table = Table(title="Audiences that moved", title_justify="left")
    for name in ("campaign", "channel"):
        table.add_column(name)
    for name in ("before", "joined", "left", "after"):
        table.add_column(name, justify="right")
    for each in found.audiences:
        if each.differs:
            numbers = (each.before, each.joined, each.left, each.after)
            table.add_row(each.campaign_id, each.channel, *(f"{number:,}" for number in numbers))
    return table


def _others(relations: list[RelationChange]) -> Table:
    table = Table(title="Other relations, and columns", title_justify="left")
    table.add_column("relation", overflow="fold")
    for name in ("rows before", "rows after", "before only", "after only"):
        table.add_column(name, justify="right")
    table.add_column("columns", overflow="fold")
    for each in relations:
        rows = (each.rows_before, each.rows_after, each.only_before, each.only_after)
        table.add_row(
            each.relation,
            *("" if number is None else f"{number:,}" for number in rows),
            _columns(each),
        )
    return table


def _columns(found: RelationChange) -> str:
    schema = found.columns
    told = [f"+ {each.name}" for each in schema.added]
    told += [f"− {each.name}" for each in schema.removed]
    told += [f"{each.name}: {each.before} → {each.after}" for each in schema.retyped]
    told += [f"{name} moved" for name in schema.moved]
    if found.relation != VIEW:
        told += [f"{each.name} in {each.changed:,}" for each in found.attributes[:6]]
        told += ["…"] if len(found.attributes) > 6 else []
    return ", ".join(told)


def _value(value: str | None) -> str:
    return "not known" if value is None else value
