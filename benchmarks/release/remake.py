"""A candidate as a release makes it, with a clock put to each step.

    python -m benchmarks.release.remake STEPS.json candidate BUILD [--from-nothing]

It is `python -m flows.releases.remake`, run as a deploy runs it: in the checkout of the release.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.nightly.child import Clocks
from flows.releases import remake

STEPS = (
    ("flows.builds.build", "code_version", "code version"),
    ("flows.builds.fork", "fork", "copy of the build it begins with"),
    ("flows.builds.pins", "pin", "pins"),
    ("flows.builds.pins", "pin_anew", "pins"),
    ("flows.builds.dbt", "run", "dbt"),
    ("flows.builds.build", "_finish", "checkpoint"),
    ("flows.builds.fingerprints", "take", "fingerprints"),
    ("flows.builds.build", "_keep", "keep"),
)


def main() -> int:
    """Make the candidate that the command line names, write what its steps took, return a code."""
    path, *asked = sys.argv[1:]
    clocks = Clocks()
    for step in STEPS:
        clocks.put_to(*step)
    sys.argv = ["remake", *asked]
    code = remake.main()
    Path(path).write_text(json.dumps(clocks.told))
    return code


if __name__ == "__main__":
    sys.exit(main())
