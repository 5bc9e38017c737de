"""Somebody who reads live: `python -m benchmarks.release.reader LIVE TIMES`.

Opens live so many times and asks twice each time, as a person with a question does. Tells on
standard output, a JSON object a line, when it opened, when it asks, and what it was answered.
"""

from __future__ import annotations

import json
import sys
import time

import duckdb

from benchmarks.release.pair import CHANGED

# All of the section that differs, and which build says so.
QUESTION = (
    "select any_value(build_id), count(*), cast(sum(hash(section)) as varchar) "
    f"from marts.customer_{CHANGED} as section cross join raw.build"
)
ASKED_EACH_TIME = 2


def answer(connection: duckdb.DuckDBPyConnection) -> list[str | int]:
    """Return the build's name, and how many rows with which hash its section has."""
    return list(connection.execute(QUESTION).fetchall()[0])


def main() -> None:
    """Read live so often as the command line says."""
    live, times = sys.argv[1:]
    for sitting in range(int(times)):
        _tell(event="open", sitting=sitting)
        try:
            with duckdb.connect(live, read_only=True, config={"threads": 1}) as connection:
                for place in range(ASKED_EACH_TIME):
                    _tell(event="ask", sitting=sitting, place=place)
                    _tell(event="told", sitting=sitting, answer=answer(connection))
        except duckdb.Error as error:
            _tell(event="failed", sitting=sitting, reason=str(error))


def _tell(**message: object) -> None:
    sys.stdout.write(json.dumps(message | {"at": time.monotonic()}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
