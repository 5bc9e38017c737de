"""The process of `scv serve` that starts the scheduled runs: `python -m flows.serve_runs`."""

from __future__ import annotations

from prefect import serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment

from flows.builds.release import code_version
from flows.schedules import SCHEDULED, Scheduled
from flows.settings import Instance, read_instance


def deployment_of(each: Scheduled, instance: Instance) -> RunnerDeployment:
    """Return what Prefect is told of a flow that runs by itself: one run at a time, in order."""
    return RunnerDeployment.from_entrypoint(
        each.entrypoint,
        name=instance.instance,
        schedule=each.when(instance),
        parameters=dict(each.parameters),
        version=code_version(),
        concurrency_limit=ConcurrencyLimitConfig(
            limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE
        ),
    )


def main() -> None:
    """Tell the server of the flows, and run those that are due, until asked to end."""
    instance = read_instance()
    known = [deployment_of(each, instance) for each in SCHEDULED if each.is_here]
    # Paused at the end, the schedules would stay so for whoever serves next.
    serve(*known, pause_on_shutdown=False, print_starting_message=False)


if __name__ == "__main__":
    main()
