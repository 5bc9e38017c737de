"""Builds that nobody can go back to any more are removed; the ledger keeps what they were.

Kept are the newest ones by business date and number, and always live. Any past day can be built
again from its batches, which are kept.
"""

from __future__ import annotations

from flows.builds import fork, live
from flows.settings import Instance


def remove_old_builds(instance: Instance) -> list[str]:
    """Remove all but the newest `keep_builds` builds and return the ids of those removed."""
    ids = sorted(path.stem for path in instance.builds.glob("2*.duckdb"))
    kept = {*ids[-instance.keep_builds :], live.current(instance)}
    removed = [build_id for build_id in ids if build_id not in kept]
    for build_id in removed:
        remove(instance, build_id)
    return removed


def remove(instance: Instance, build_id: str) -> None:
    """Remove a build and what lies beside it. A reader that has it open keeps it until it is done.

    The build goes last: what is cut off in between is found by it, and removed the next time.
    """
    live.manifest_of(instance, build_id).unlink(missing_ok=True)
    live.batches_of(instance, build_id).unlink(missing_ok=True)
    fork.discard(live.path_of(instance, build_id))
