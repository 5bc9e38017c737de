"""A release that waits in Prefect's pages goes on when a person decides on the command line."""

from __future__ import annotations

import httpx

from flows.errors import NoSuchRelease
from flows.ledger import Row
from flows.releases.worktrees import commit_of
from flows.settings import Instance


def resume(instance: Instance, deploy: Row, decision: str, who: str, why: str) -> bool:
    """Let the suspended run of a deploy go on with what was decided; False where none waits.

    Where no server is named, or it does not answer, nothing waits there.

    Args:
        instance: whose release it is.
        deploy: its row, with the commit and the report's hash.
        decision: approved or refused; it is in the ledger already.
        who: the person, by name.
        why: the reason.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.exceptions import ObjectNotFound
    from prefect.settings import PREFECT_API_URL

    if not PREFECT_API_URL.value():
        return False
    typed = {"report_hash": deploy["report_hash"], "who": who, "why": why}
    try:
        with get_client(sync_client=True) as client:
            known = client.read_deployment_by_name(f"redeploy/{instance.instance}")
            waiting = FlowRunFilter.model_validate(
                {"deployment_id": {"any_": [known.id]}, "state": {"type": {"any_": ["PAUSED"]}}}
            )
            answers = [
                client.resume_flow_run(run.id, {**typed, "approve": decision == "approved"})
                for run in client.read_flow_runs(flow_run_filter=waiting)
                if _is_of(instance, run.parameters.get("ref"), deploy["release"])
            ]
    except (httpx.HTTPError, ObjectNotFound):
        return False
    return any(answer.status.value == "ACCEPT" for answer in answers)


def _is_of(instance: Instance, ref: str | None, release: str) -> bool:
    try:
        return commit_of(ref or instance.release_ref) == release
    except NoSuchRelease:
        return False
