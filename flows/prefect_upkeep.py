"""What a Prefect server has to be told once: the instance's limit, and what a dead run looks like.

Both are named, and made again or mended each time: telling a server twice changes nothing.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from flows.schedules import SCHEDULED
from flows.settings import Instance

if TYPE_CHECKING:
    from prefect.events.schemas.automations import AutomationCore

ZOMBIES = "A run whose process is gone has crashed"
HEARTBEATS = 3  # so many missed ones in a row: fewer would end runs that are only busy
HEARTBEAT = "prefect.flow-run.heartbeat"
# After one of these no heartbeat is expected: the run is over, or has given its process back.
QUIET = ("Completed", "Failed", "Crashed", "Cancelled", "Suspended", "Paused", "AwaitingRetry")


def slot_of(instance: Instance) -> str:
    """Return the name of the limit by which Prefect shows who has the instance, and who waits."""
    return f"batch-{instance.instance}"


def tell_the_server(instance: Instance) -> None:
    """Give the server that the environment names the instance's limit and the automation."""
    from prefect.client.orchestration import get_client

    automation = zombies()
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(slot_of(instance), 1)
        known = client.read_automations_by_name(automation.name)
        for each in known[:1]:
            client.update_automation(each.id, automation)
        if not known:
            client.create_automation(automation)


def knows_the_flows(instance: Instance) -> bool:
    """True when the server knows every flow of this checkout that runs by itself."""
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    with get_client(sync_client=True) as client:
        try:
            for each in SCHEDULED:
                if each.is_here:
                    client.read_deployment_by_name(f"{each.name}/{instance.instance}")
        except ObjectNotFound:
            return False
    return True


def zombies() -> AutomationCore:
    """Return the automation that ends the runs of a machine that was lost.

    Prefect's own server has none: such a run would be running for ever, and hold its place.
    """
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
    from prefect.settings import get_current_settings

    every = get_current_settings().flows.heartbeat_frequency or 180
    return AutomationCore(
        name=ZOMBIES,
        description="Made by scv; made again when it is deleted.",
        trigger=EventTrigger(
            after={HEARTBEAT},
            expect={HEARTBEAT, *(f"prefect.flow-run.{state}" for state in QUIET)},
            match={"prefect.resource.id": "prefect.flow-run.*"},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=dt.timedelta(seconds=HEARTBEATS * every),
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                message="No heartbeat: the process or its machine is gone. Live is whole.",
            )
        ],
    )
