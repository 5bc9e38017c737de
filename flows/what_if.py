"""`scv gate`: which campaigns of a date are held, or would be if a table did not come.

Asked before the fact it reads what is live and writes nothing: the campaigns due on the date by
their schedule, the policies of the contracts, and column lineage. How many customers that is comes
from the date's own build where there is one, else from the last time that a campaign was chosen.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import sqlalchemy as sa
from rich.table import Table

from flows.builds import live
from flows.campaigns import gate, lineage
from flows.campaigns.gate import Decision, Due
from flows.campaigns.graph import Graph
from flows.console import COLOURS, console, say
from flows.contracts.calendar import expected, read_calendar
from flows.contracts.contract import Contract
from flows.contracts.files import read_contracts
from flows.contracts.policy import Verdict, decide
from flows.errors import SettingsWrong
from flows.intake.history import first_gap, last_good
from flows.ledger import Ledger, builds, decisions, deliveries
from flows.overrides import in_force
from flows.settings import Instance, read_instance
from flows.summary import read_day

# The states of a table on a business date: docs/contracts.md.
STATES = (
    *("arrived", "late", "missing", "short", "empty", "invalid"),
    *("wrong_day", "duplicate", "out_of_band", "not_due"),
)
DUE = "campaigns_due"


@dataclass(frozen=True)
class Estimate:
    """A campaign due on the date, and where the number of its customers comes from."""

    due: Due
    by: str


def show_gate(day: dt.date, asked: Sequence[str]) -> None:
    """Print the decisions of a date as they stand, or as they would be.

    Args:
        day: the business date.
        asked: `TABLE=STATE`, each a table and what would have become of it.

    Raises:
        SettingsWrong: when a table or a state is not known, or nothing is decided.
        NothingPublished: when a state is asked for, and nothing is live.
    """
    instance = read_instance()
    ledger = Ledger(instance.ledger_url)
    if not asked:
        _show_ledger(ledger, day)
        return
    contracts = read_contracts()
    states = _states(ledger, day) | read_asked(asked, contracts)
    verdicts = judge(instance, ledger, contracts, states, day)
    estimates = _estimates(instance, ledger, day)
    build_id = _build_of(instance, ledger, day)
    reads = lineage.read(Graph.read(live.manifest_of(instance, build_id)))
    decided = gate.decide([each.due for each in estimates], reads, verdicts, day)
    for verdict in verdicts:
        if verdict.state != "arrived":
            say(f"{verdict.table}: {verdict.sentence}")
    _show(day, estimates, decided)


def read_asked(asked: Sequence[str], contracts: Mapping[str, Contract]) -> dict[str, str]:
    """Return the state that each table asked about would be in.

    Raises:
        SettingsWrong: when a table or a state is not known; it names the near ones.
    """
    found = {}
    for each in asked:
        table, _, state = each.partition("=")
        for kind, word, known in (("table", table, list(contracts)), ("state", state, STATES)):
            if word not in known:
                near = get_close_matches(word, known, n=3) or known
                raise SettingsWrong(
                    f"There is no {kind} '{word}' in --what-if {each}: write TABLE=STATE, such as "
                    f"transactions=missing. Did you mean {' or '.join(near)}?"
                )
        found[table] = state
    return found


def judge(
    instance: Instance,
    ledger: Ledger,
    contracts: Mapping[str, Contract],
    states: Mapping[str, str],
    day: dt.date,
) -> list[Verdict]:
    """Return what the policies say of every table in its state; those not named have arrived."""
    calendar, overridden = read_calendar(), in_force(instance, ledger, day)
    verdicts = []
    for table, contract in contracts.items():
        state = states.get(table, "arrived")
        # A table that does not come leaves the rows of the day before.
        newest = last_good(ledger, table, day - dt.timedelta(days=state != "arrived"))
        problem = f"{table} for {day} is {state.replace('_', ' ')}"
        if state == "late":
            problem += f", awaited until {contract.wait_until}; if it has not come by then"
        due = expected(contract, calendar, day)
        gap = first_gap(ledger, table, day)
        verdicts.append(
            decide(contract, day, state, problem, newest, due, overridden.get(table), gap)
        )
    return verdicts


def _states(ledger: Ledger, day: dt.date) -> dict[str, str]:
    query = sa.select(deliveries.c.table_name, deliveries.c.state)
    query = query.where(deliveries.c.business_date == day, deliveries.c.state != "withdrawn")
    rows = ledger.rows(query.order_by(deliveries.c.version))
    return {row["table_name"]: row["state"] for row in rows}


def _build_of(instance: Instance, ledger: Ledger, day: dt.date) -> str:
    """Return the date's last build that is still there, else what is live."""
    query = sa.select(builds.c.build_id).where(
        builds.c.business_date == day, builds.c.state.in_(["built", "published"])
    )
    rows = ledger.rows(query.order_by(builds.c.build_id.desc()))
    there = [row["build_id"] for row in rows if live.path_of(instance, row["build_id"]).is_file()]
    return str(there[0]) if there else live.current_or_stop(instance)


def _estimates(instance: Instance, ledger: Ledger, day: dt.date) -> list[Estimate]:
    build_id = _build_of(instance, ledger, day)
    build = live.path_of(instance, build_id)
    chosen = {each.campaign_id: each for each in gate.campaigns_due(build)}
    before = _chosen_before(ledger, day)
    sql = Graph.read(live.manifest_of(instance, build_id)).sql(DUE)
    found = []
    for due in gate.due_on(build, sql, day):
        if due.campaign_id in chosen:
            found.append(Estimate(chosen[due.campaign_id], f"build {build_id}"))
            continue
        count, by = before.get(due.campaign_id, (0, "never chosen yet"))
        found.append(Estimate(replace(due, chosen=count), by))
    return found


def _chosen_before(ledger: Ledger, day: dt.date) -> dict[str, tuple[int, str]]:
    query = sa.select(decisions).where(decisions.c.business_date < day).order_by(decisions.c.id)
    return {
        row["campaign_id"]: (row["chosen"], f"as on {row['business_date']}")
        for row in ledger.rows(query)
    }


def _show_ledger(ledger: Ledger, day: dt.date) -> None:
    query = sa.select(decisions).where(decisions.c.business_date == day).order_by(decisions.c.id)
    newest = {row["campaign_id"]: row for row in ledger.rows(query)}
    if not newest:
        night = read_day(ledger, day).night
        if night is not None and night["state"] == "stopped":
            say(f"The night of {day} stopped before the gate. {night['sentence']}", "yellow")
            return
        say(
            f"Nothing is decided for {day} yet. To ask beforehand: "
            f"scv gate {day} --what-if transactions=missing"
        )
        return
    pairs = [
        (Due(row["campaign_id"], "", row["channel"], row["chosen"], 0, 0), row)
        for row in newest.values()
    ]
    decided = [Decision(due, row["verdict"], row["sentence"]) for due, row in pairs]
    by = [Estimate(due, f"build {row['build_id']}") for due, row in pairs]
    _show(day, by, decided)


def _show(day: dt.date, estimates: Sequence[Estimate], decided: Sequence[Decision]) -> None:
    table = Table(title=f"Campaigns due on {day}", title_justify="left")
    for name in ("campaign", "channel", "verdict"):
        table.add_column(name)
    table.add_column("customers", justify="right")
    table.add_column("counted in")
    for each, decision in zip(estimates, decided, strict=True):
        colour = COLOURS.get(decision.verdict, "green")
        words = each.due.campaign_id, each.due.channel, f"[{colour}]{decision.verdict}[/]"
        table.add_row(*words, f"{each.due.chosen:,}", each.by)
    console.print(table)
    held = [each for each in decided if each.verdict == "held"]
    for decision in decided:
        if decision.sentence:
            say(f"  {decision.sentence}", "yellow")
    customers = sum(each.due.chosen for each in held)
    say(f"{len(held)} of {len(decided)} campaigns held: {customers:,} customers get no message.")
