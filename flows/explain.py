"""`scv explain`: answers about live, from the graph that dbt left and the rows of the build."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

import sqlalchemy as sa
from rich.table import Table

from flows.builds import live
from flows.campaigns import lineage
from flows.campaigns.graph import Graph
from flows.campaigns.lineage import Reads
from flows.campaigns.traces import told
from flows.console import console, say
from flows.errors import SettingsWrong
from flows.ledger import Ledger, decisions, occurrences
from flows.settings import Instance, read_instance


def of_campaign(name: str) -> None:
    """Print what a campaign reads, its last occurrence, and why customers were left out.

    Raises:
        NothingPublished: when nothing is live.
        SettingsWrong: when live knows no such campaign.
    """
    instance, build_id, graph = open_live()
    reads = lineage.read(graph)
    if name not in reads:
        raise unknown("campaign", name, list(reads))
    say(graph.description(f"audience_{name}"))
    _show_reads(reads[name])
    _show_targets(live.path_of(instance, build_id), name, build_id)
    _show_history(Ledger(instance.ledger_url), name)


def _show_reads(reads: Reads) -> None:
    table = Table(title="It reads", title_justify="left")
    table.add_column("attribute or rule")
    table.add_column("from the raw columns", overflow="fold")
    for attribute, found in sorted(reads.attributes.items()):
        table.add_row(attribute, found.in_words)
    for rule, found in sorted(reads.rules.items()):
        table.add_row(f"rule {rule}", told(found.depends) or "nothing: a draw by id")
    for attribute, found in sorted(reads.told.items()):
        table.add_row(f"{attribute} (only told as the reason)", found.in_words)
    console.print(table)


def open_live() -> tuple[Instance, str, Graph]:
    """Return the instance, what is live, and its graph.

    Raises:
        NothingPublished: when nothing is live.
    """
    instance = read_instance()
    build_id = live.current_or_stop(instance)
    return instance, build_id, Graph.read(live.manifest_of(instance, build_id))


def unknown(kind: str, name: str, known: list[str]) -> SettingsWrong:
    """Return the error that says that there is no such name, and which is like it."""
    near = get_close_matches(name, known, n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(known)}."
    return SettingsWrong(f"There is no {kind} '{name}'. {hint}")


def _show_targets(build: Path, campaign: str, build_id: str) -> None:
    import duckdb  # a column is explained without it, in less time

    with duckdb.connect(str(build), read_only=True) as connection:
        rows = connection.execute(
            "select status, coalesce(rule, ''), count(*) from campaigns.campaign_targets "
            "where campaign_id = ? group by all order by all",
            [campaign],
        ).fetchall()
        schedule, is_due = connection.execute(
            "select schedule, due.campaign_id is not null from decisions.campaigns as campaign "
            "left join campaigns.campaigns_due as due using (campaign_id) where campaign_id = ?",
            [campaign],
        ).fetchall()[0]
    if not is_due:
        say(f"It is not due on {build_id[:10]}: its schedule is {schedule}.")
        return
    if not rows:
        say(f"It is due on {build_id[:10]}, and nobody is in its audience.")
        return
    table = Table(title=f"Its customers in {build_id}", title_justify="left")
    table.add_column("status")
    table.add_column("by the rule")
    table.add_column("customers", justify="right")
    for status, rule, count in rows:
        table.add_row(status, rule, f"{count:,}")
    console.print(table)


def _show_history(ledger: Ledger, campaign: str) -> None:
    sent = sa.select(occurrences).where(occurrences.c.campaign_id == campaign)
    for row in ledger.rows(sent.order_by(occurrences.c.business_date)):
        said = f"{row['business_date']}: {row['state']}, {row['chosen']:,} messages, {row['path']}"
        say(said)
    held = sa.select(decisions).where(decisions.c.campaign_id == campaign)
    for row in ledger.rows(held.where(decisions.c.verdict == "held").order_by(decisions.c.id)):
        say(f"{row['business_date']}: {row['sentence']}", "yellow")
