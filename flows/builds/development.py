"""A development build: a writable fork of live, on which plain dbt works with no Python of ours."""

from __future__ import annotations

from flows.builds import base, fork, live
from flows.settings import PROJECT, read_instance

# The path that profiles.yml names when nothing is set.
DEVELOPMENT = PROJECT / "warehouse" / "dev.duckdb"


def fork_for_development() -> str:
    """Fork live to where `dbt` builds by default, and say what to do with it.

    Raises:
        NothingPublished: when nothing is live yet.
    """
    instance = read_instance()
    build_id = live.current_or_stop(instance)
    fork.fork(live.path_of(instance, build_id), DEVELOPMENT)
    base.forget_code(DEVELOPMENT)
    return (
        f"{DEVELOPMENT} is a copy of {build_id}, yours to write to.\n"
        "Now: dbt build, dbt test --select customer_purchases, dbt docs generate, dbt docs serve"
    )
