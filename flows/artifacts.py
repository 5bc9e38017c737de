"""What Prefect's pages show of a night: tables of states, counts and sentences; no values."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from flows.campaigns.gate import Decision
from flows.contracts.policy import Verdict
from flows.intake.intake import Received


@task(cache_policy=NO_CACHE, task_run_name="show the tables")
def show_tables(received: Sequence[Received], verdicts: Sequence[Verdict]) -> None:
    """Show the state of each table, and what its policy says."""
    create_table_artifact(
        key="tables",
        table=[
            {
                "table": each.table,
                "state": each.state,
                "accepted": each.counts.accepted if each.counts else None,
                "set aside": each.counts.quarantined if each.counts else None,
                "checks": each.checks_run,
                "checks failed": each.checks_failed,
                "holds": verdict.hold,
                "sentence": verdict.sentence or each.sentence,
            }
            for each, verdict in zip(received, verdicts, strict=True)
        ],
        description="The state of each raw table, and what its policy says.",
    )


@task(cache_policy=NO_CACHE, task_run_name="show the campaigns")
def show_campaigns(decided: Sequence[Decision]) -> None:
    """Show the campaigns that are due: sent or held, with the sizes of their audiences."""
    create_table_artifact(
        key="campaigns",
        table=[
            {
                "campaign": decision.due.campaign_id,
                "channel": decision.due.channel,
                "verdict": decision.verdict,
                "chosen": decision.due.chosen,
                "control": decision.due.control,
                "excluded": decision.due.excluded,
                "reason": decision.sentence,
            }
            for decision in decided
        ],
        description="Campaigns due: sent or held, with audience sizes.",
    )
