"""May a release go live? By itself when all is declared, else by a person, by the report's hash."""

from __future__ import annotations

from collections.abc import Iterable

from flows.builds import live
from flows.campaigns.graph import Graph
from flows.comparison.expected import Request, merged
from flows.comparison.finding import Finding
from flows.comparison.judgement import Judgement, judge
from flows.comparison.result import Comparison
from flows.errors import ReleaseBlocked
from flows.releases import deploys
from flows.releases.deploys import Deploy
from flows.settings import Instance

BY_ITSELF = ("equal", "declared")


def judged(
    instance: Instance, found: Comparison, candidate: str, requests: Iterable[Request]
) -> Judgement:
    """Hold what differs against what the requests of a release declare.

    Args:
        instance: where the candidate stands.
        found: what differs between live and the candidate.
        candidate: its build id; by its graph consequences are followed.
        requests: those that the release brings.
    """
    expected = merged(each.expects for each in requests)
    return judge(found, expected, Graph.read(live.manifest_of(instance, candidate)))


def approved(run: Deploy, found: Comparison, judgement: Judgement) -> str:
    """Return by whom or what a release may go live.

    Raises:
        AwaitsApproval: when a person has to decide, with the hash to approve.
        ReleaseBlocked: when it must not.
        ReleaseRefused: when a person refused it.
    """
    why = " ".join(_with_customers(each, found) for each in judgement.to_decide[:3])
    if judgement.verdict == "hard stop":
        raise ReleaseBlocked(f"{run.release} must not go live: {why}")
    if judgement.verdict in BY_ITSELF:
        return judgement.words
    decided = deploys.decision_on(run.ledger, found.digest)
    if decided is None:
        raise deploys.awaits(found.digest, run.release, f"{judgement.words} {why}")
    if decided["decision"] == "refused":
        raise deploys.refusal(run.release, decided["who"], decided["why"])
    return f"Approved by {decided['who']}: {decided['why']}"


def _with_customers(finding: Finding, found: Comparison) -> str:
    """Return a finding's sentence with a few customers to look at, by their number."""
    ids = [
        str(example.customer_id)
        for attribute in found.view.attributes
        if attribute.name == finding.name
        for example in attribute.examples[:3]
    ]
    if not ids:
        return finding.sentence
    return f"{finding.sentence} See {finding.name} of customers such as {', '.join(ids)}."
