"""dbt in a process of its own: `python -m flows.builds.dbt_child ARGS`.

Tells its parent on standard output, a JSON object a line, what each node came to. When the
parent dies, however it dies, its end of standard input closes, and this process ends at once:
no orphan goes on writing to a build that nobody will publish.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

# The lines for the parent go out here, whatever dbt itself prints.
_TELL = os.fdopen(os.dup(1), "w", buffering=1)


def _end_with_the_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(70)


def _tell(event: Any) -> None:
    if event.info.name not in ("LogModelResult", "LogTestResult", "LogSeedResult"):
        return
    data = event.data
    message = {
        "node": data.node_info.node_name,
        "kind": data.node_info.resource_type,
        "status": data.status,
        "index": data.index,
        "of": data.total if hasattr(data, "total") else data.num_models,
        "seconds": round(data.execution_time, 2),
    }
    _TELL.write(json.dumps(message) + "\n")


def main() -> int:
    """Run dbt with this process's arguments and return its exit code."""
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    from dbt.cli.main import dbtRunner

    result = dbtRunner(callbacks=[_tell]).invoke(sys.argv[1:])
    if result.exception is not None:
        _TELL.write(json.dumps({"error": str(result.exception)}) + "\n")
    return 0 if result.success else 1


if __name__ == "__main__":
    sys.exit(main())
