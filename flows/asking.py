"""Ask a release to make a view again, in a process of its own, and hear how it goes."""

from __future__ import annotations

import json
import subprocess
from collections import deque
from collections.abc import Callable
from typing import Any

from flows import errors, watched
from flows.errors import BuildFailed, DeployStopped
from flows.releases.worktrees import Release
from flows.settings import Instance

Hear = Callable[[dict[str, Any]], object]


def ask(
    release: Release, instance: Instance, what: str, build_id: str, hear: Hear = lambda _: None
) -> dict[str, Any]:
    """Have a release make the view of a published build again; return what came of it.

    Args:
        release: whose code.
        instance: where builds stand; its slot must be held by us.
        what: `candidate` or `replay`, as `flows.releases.remake` says.
        build_id: the published build.
        hear: is told of each node.

    Raises:
        Stopped: what stopped it there.
        BuildFailed: when it ended without a word; what it said is in a file of the instance.
    """
    said = instance.root / "logs" / f"{what}-{release.commit}.txt"
    said.parent.mkdir(parents=True, exist_ok=True)
    command = release.command("flows.releases.remake", what, build_id)
    told: deque[dict[str, Any]] = deque(maxlen=1)
    with said.open("w") as file:
        asked = watched.start(
            command, release.folder, release.environment(instance), subprocess.PIPE, file
        )
        try:
            for line in asked.stdout or ():
                told.append(json.loads(line))
                if "node" in told[-1]:
                    hear(told[-1])
            asked.wait()
        finally:
            watched.end(asked)
    last = told[-1] if told else {}
    if "done" in last:
        return dict(last["done"])
    if "stopped" in last:
        # A release may have errors that this checkout does not know.
        kind = getattr(errors, last["kind"], DeployStopped)
        raise kind(last["stopped"])
    raise BuildFailed(
        f"{release.commit} was asked for a {what} of {build_id} and ended without an answer: it "
        f"was killed, or is older than this command. What it said is in {said}"
    )
