"""`scv schedule`: tell a Prefect server which flows of an instance run by themselves, and when.

It is `prefect deploy --all` with `prefect.yaml`, whose places for the times are filled in here.
"""

from __future__ import annotations

import os
import subprocess
import sys

from flows.builds.release import code_version
from flows.errors import ServeFailed, SettingsWrong
from flows.schedules import nightly_cron, redeploy_rule
from flows.settings import PROJECT, Instance

DEPLOY = ("-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", "prefect.yaml")


def pool_of(instance: Instance) -> str:
    """Return the name of the work pool that an instance's worker looks at."""
    return f"scv-{instance.instance}"


def places(instance: Instance) -> dict[str, str]:
    """Return what `prefect.yaml` leaves open."""
    return {
        "SCV_CONTROL": str(PROJECT),
        "SCV_CONTROL_VERSION": code_version(),
        "SCV_INSTANCE": instance.instance,
        "SCV_POOL": pool_of(instance),
        "SCV_TIME_ZONE": instance.time_zone.key,
        "SCV_NIGHTLY_CRON": nightly_cron(instance),
        "SCV_REDEPLOY_RULE": redeploy_rule(instance),
    }


def deploy(instance: Instance) -> str:
    """Deploy every flow that runs by itself, and what the server has to know beside; say so.

    Raises:
        SettingsWrong: when no server is named.
        ServeFailed: when the server or `prefect.yaml` refuses.
    """
    server = os.environ.get("PREFECT_API_URL")
    if not server:
        raise SettingsWrong(
            "PREFECT_API_URL names no server: it is http://127.0.0.1:4200/api where it is on this "
            "machine. See docs/runbooks/production.md."
        )
    environment = os.environ | {"DO_NOT_TRACK": "1"} | places(instance)
    done = subprocess.run(
        [sys.executable, *DEPLOY],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = " ".join((done.stderr + done.stdout).split())[-600:]
        raise ServeFailed(f"{server} was not told of the flows. prefect deploy said: {said}")
    _tell(instance, server)
    return f"{server} starts {instance.instance}'s flows by itself, in the pool {pool_of(instance)}"


def _tell(instance: Instance, server: str) -> None:
    from flows.prefect_upkeep import tell_the_server

    try:
        tell_the_server(instance)
    except Exception as error:
        raise ServeFailed(
            f"{server} was told of the flows, and not of the limit that they wait for "
            f"({type(error).__name__}). Say scv schedule again."
        ) from error
