"""What a release is asked to do by the checkout that deploys it, in a process of its own.

    python -m flows.releases.remake candidate 2017-11-21-01
    python -m flows.releases.remake replay 2017-11-21-01

Tells on standard output, a JSON object a line, what each node came to, and last `done` with what
came of it or `stopped` with the sentence. The slot of the instance is held by who asks. Words and
answers stay what they are from release to release: a checkout asks releases older than itself.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

_TELL = os.fdopen(os.dup(1), "w", buffering=1)


def _tell(message: dict[str, Any]) -> None:
    _TELL.write(json.dumps(message) + "\n")


def main() -> int:
    """Do what the arguments ask for and return the exit code."""
    from flows.contracts.files import read_contracts
    from flows.errors import Stopped
    from flows.ledger import Ledger
    from flows.releases.candidate import make_candidate, replay
    from flows.settings import read_instance

    asked, build_id = sys.argv[1:3]
    try:
        instance = read_instance()
        ledger, contracts = Ledger(instance.ledger_url), read_contracts()
        if asked == "replay":
            _tell({"done": {"tables": replay(instance, ledger, contracts, build_id, _tell)}})
        else:
            reuse = "--from-nothing" not in sys.argv
            made = make_candidate(instance, ledger, contracts, build_id, _tell, reuse)
            told = {"build_id": made.build.build_id, "seconds": made.build.seconds}
            _tell({"done": told | {"remade": list(made.remade)}})
    except Stopped as stopped:
        _tell({"stopped": str(stopped), "kind": type(stopped).__name__})
        return stopped.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
