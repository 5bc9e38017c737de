"""One piece of work in a process of its own: `python -m benchmarks.release.child WORK FOLDER …`."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import duckdb

from benchmarks.release.pair import Pair, Size
from flows.builds import fingerprints
from flows.comparison.compare import compare
from flows.comparison.sides import Limits

MEMORY, THREADS = "6GB", 2


def fingerprint(pair: Pair, _: Size) -> str:
    """Take the fingerprints of both builds, as every build does at its end."""
    for build in (pair.before, pair.after):
        told = fingerprints.take(build, fingerprints.PUBLIC)
        build.with_suffix(".prints.json").write_text(json.dumps(told))
    return ""


def comparison(pair: Pair, _: Size) -> str:
    """Compare the builds, with the fingerprints that the ledger keeps."""
    prints = [
        {name: (rows, told) for name, (rows, told) in json.loads(path.read_text()).items()}
        for path in (b.with_suffix(".prints.json") for b in (pair.before, pair.after))
    ]
    found = compare(
        pair.before,
        pair.after,
        pair.manifest(pair.before),
        pair.manifest(pair.after),
        limits=Limits(MEMORY, THREADS, pair.folder),
        before_prints=prints[0],
        after_prints=prints[1],
    )
    changed = [(each.name, each.changed) for each in found.view.attributes]
    return json.dumps(changed)


def floor(pair: Pair, size: Size) -> str:
    """Join both builds by customer and a hash of the row: every section, whichever differs."""
    return _row_hash_join(pair, size, list(size.sections))


def _row_hash_join(pair: Pair, size: Size, sections: list[str]) -> str:
    with (
        tempfile.TemporaryDirectory(dir=pair.folder) as spill,
        duckdb.connect(
            config={
                "memory_limit": MEMORY,
                "threads": THREADS,
                "temp_directory": spill,
                "preserve_insertion_order": False,
            }
        ) as connection,
    ):
        for name, path in (("b", pair.before), ("a", pair.after)):
            connection.execute(f"attach '{path}' as {name} (read_only)")
        counts: list[int] = []
        for name in sections:
            row = f"hash({', '.join(size.sections[name])}) as h"
            table = f"marts.customer_{name}"
            counts += connection.execute(
                f"select count(*) from (select customer_id, {row} from b.{table}) as b "
                f"full join (select customer_id, {row} from a.{table}) as a using (customer_id) "
                "where b.h is distinct from a.h"
            ).fetchall()[0]
        return json.dumps(dict(zip(sections, counts, strict=True)))


WORKS = {"fingerprints": fingerprint, "comparison": comparison, "floor": floor}

if __name__ == "__main__":
    work, folder, customers, columns = sys.argv[1:]
    said = WORKS[work](Pair(Path(folder)), Size(int(customers), int(columns)))
    sys.stdout.write(said + "\n")
