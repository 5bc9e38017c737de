"""A night by hand is a night of what is live: its commands run with the code of the live release.

Where releases go live, the folder a person stands in is the control checkout, which may be ahead
of what is live or behind it. `scv run DATE` there with that folder's code would bring code live
that nobody compared with anything.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

# Whatever reads contracts or models. The others move, compare or show what is there.
OF_THE_RELEASE = ("run", "rerun", "receive", "recount", "gate", "override", "quarantine")


def hand_over(arguments: Sequence[str]) -> None:
    """Become the same command of the release that is live, where that is other code than ours.

    Returns where the code here is meant: it is live, nothing is yet, an edited checkout made what
    is live, or `SCV_CODE` says so.

    Args:
        arguments: of the command line, the command's name first.

    Raises:
        NoSuchRelease: when the commit that is live is not in this checkout.
    """
    if not arguments or arguments[0] not in OF_THE_RELEASE or "--help" in arguments:
        return
    from flows.builds.release import code_version
    from flows.ledger import Ledger
    from flows.releases.worktrees import release_of_live
    from flows.settings import read_instance

    instance = read_instance()
    if not instance.runs_code_of_live or not instance.live.exists():
        return
    release = release_of_live(instance, Ledger(instance.ledger_url))
    if release is None or release.commit == code_version():
        return
    told = f"With the code of {release.commit}, which is live; of this folder: SCV_CODE=checkout."
    print(told, file=sys.stderr, flush=True)
    command = release.command("flows.cli", *arguments)
    os.execve(command[0], command, release.environment(instance))  # noqa: S606  (no shell)
