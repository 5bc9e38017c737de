"""Where nothing may be built: the campaigns that go on with the view of the day before.

They are chosen from a build that is made for the purpose and never published: yesterday's rows of
every table, but for today's consents and today's own receipts, so that a no of today counts and
nobody is written to twice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace

from flows.builds import live
from flows.builds.build import Build, build
from flows.campaigns import gate
from flows.campaigns.graph import Graph
from flows.contracts.contract import Contract
from flows.contracts.policy import Verdict
from flows.intake.history import last_good
from flows.ledger import Ledger
from flows.settings import Instance

DUE = "campaigns_due"
OURS = "dispatches"


def is_any_due(instance: Instance, day: dt.date) -> bool:
    """True when a campaign that runs anyway is due on a date, by the build that is live."""
    build_id = live.current(instance)
    if build_id is None:
        return False
    sql = Graph.read(live.manifest_of(instance, build_id)).sql(DUE)
    due = gate.due_on(live.path_of(instance, build_id), sql, day)
    return any(each.run_anyway for each in due)


def stand_in(
    instance: Instance,
    ledger: Ledger,
    contracts: Mapping[str, Contract],
    verdicts: Sequence[Verdict],
    day: dt.date,
) -> Build:
    """Build the view that stands in for today's; it is not published.

    Raises:
        BuildFailed: when a model or a test failed.
    """
    told = [
        verdict if _is_of_today(verdict) else _of_yesterday(ledger, verdict, day)
        for verdict in verdicts
    ]
    return build(instance, ledger, contracts, told, day)


def _is_of_today(verdict: Verdict) -> bool:
    return verdict.as_of is not None and (verdict.is_consent or verdict.table == OURS)


def _of_yesterday(ledger: Ledger, verdict: Verdict, day: dt.date) -> Verdict:
    as_of = last_good(ledger, verdict.table, day - dt.timedelta(days=1))
    return replace(verdict, as_of=as_of, counts_as_fresh=False)
