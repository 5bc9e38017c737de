"""The hand-written SQL of a night: what the same work costs with nothing around it.

    python -m benchmarks.nightly.floor state|night FOLDER DATE RESULT.json

The state is made once, from the history's batches; the night is timed: it reads the day's files,
brings the aggregates up to date and writes every section anew. Left out, and so no part of the
floor: manifests, hashes and checks of what was delivered, quarantine, corrections and late rows
into past days, tests, fingerprints, the copy of the base, predictions, distributions of the
attributes, migrations, campaign rules but one audience.
"""

from __future__ import annotations

import datetime as dt
import json
import resource
import sqlite3
import sys
import time
from pathlib import Path

import duckdb

from benchmarks.nightly.size import HISTORY_END
from flows.settings import Instance

HERE = Path(__file__).parent
STEP = "-- step: "
WINDOWS = (7, 30, 90, 365)


def make_state(instance: Instance, build: Path, memory: str, spill: Path) -> None:
    """Make what a hand-written night starts from, out of the history's batches."""
    told = {path.name: f"{path}/batch_date={HISTORY_END}/v1.parquet" for path in _tables(instance)}
    build.unlink(missing_ok=True)
    with _open(build, memory, instance.threads, spill) as connection:
        for _, statement in steps("floor_state.sql", **told):
            connection.execute(statement)


def run_night(
    instance: Instance, build: Path, day: dt.date, memory: str, spill: Path
) -> dict[str, tuple[float, float]]:
    """Run the night of a day on the state, and return the seconds of each step: wall, CPU."""
    taken: dict[str, tuple[float, float]] = {}
    with _open(build, memory, instance.threads, spill) as connection:
        for name, statement in steps("floor_night.sql", **_told(instance, build, day)):
            wall, cpu = time.monotonic(), _cpu()
            if name == "read the files":
                _read_the_crm(connection, instance, day)
            connection.execute(statement)
            taken[name] = (time.monotonic() - wall, _cpu() - cpu)
    return taken


def steps(name: str, **told: object) -> list[tuple[str, str]]:
    """Return the steps of a file of SQL: their names, and their statements."""
    text = (HERE / name).read_text().format(**told)
    parts = [part.partition("\n") for part in text.split(STEP)[1:]]
    return [(title.strip(), statement) for title, _, statement in parts]


def _told(instance: Instance, build: Path, day: dt.date) -> dict[str, object]:
    folder = instance.deliveries / day.isoformat()
    sums = [
        f"sum({column}) filter (where day > date '{day}' - {w}) as {name}_{w}d,"
        for w in WINDOWS
        for column, name in (("orders", "orders"), ("net", "sales"))
    ]
    refunds = [
        f"sum(amount) filter (where day > date '{day}' - {w}) as refunds_{w}d," for w in WINDOWS
    ]
    columns = [
        told
        for w in WINDOWS
        for told in (
            f"coalesce(orders_{w}d, 0) as orders_{w}d,",
            f"coalesce(sales_{w}d, 0) - coalesce(refunds_{w}d, 0) as net_sales_{w}d,",
        )
    ]
    return {
        "night": day,
        "transactions": folder / "transactions.csv.gz",
        "consents": folder / "consents.jsonl",
        "campaign_mailings": folder / "campaign_mailings.csv",
        "coupon_redemptions": folder / "coupon_redemptions.jsonl",
        "returns": folder / "returns.csv",
        "loyalty_ledger": folder / "loyalty_ledger.csv",
        "email_events": folder / "email_events.jsonl.gz",
        "sms_events": folder / "sms_events.csv",
        "web_sessions": folder / "web_sessions.jsonl.gz",
        "audience": build.with_suffix(".audience.csv"),
        "windows": "\n        ".join(sums),
        "window_names": "\n    ".join(columns),
        "refund_windows": "\n        ".join(refunds),
        "scores": "\n        ".join(
            _score(*each)
            for each in (
                ("recency", f"date '{day}' - last_order_date", True),
                ("frequency", "orders_365d", False),
                ("monetary", "net_sales_365d", False),
            )
        ),
    }


def _score(name: str, value: str, is_low_best: bool) -> str:
    scores = (5, 4, 3, 2, 1) if is_low_best else (1, 2, 3, 4, 5)
    cases = " ".join(
        f"when {value} <= {name}[{place + 1}] then {score}"
        for place, score in enumerate(scores[:4])
    )
    return f"case {cases} else {scores[4]} end as {name}_score,"


def _read_the_crm(connection: duckdb.DuckDBPyConnection, instance: Instance, day: dt.date) -> None:
    """Read what the CRM recorded on the day: as many rows as changed, through Arrow."""
    import pyarrow as pa

    crm = sqlite3.connect(instance.deliveries / "crm.sqlite")
    for table, column, name in (
        ("households", "updated_at", "changed"),
        ("household_merges", "merged_at", "merged_now"),
        ("loyalty_accounts", "updated_at", "account_now"),
        ("service_cases", "updated_at", "case_now"),
    ):
        found = crm.execute(
            f"select * from {table} where {column} >= ? and {column} < ?",
            (str(day), str(day + dt.timedelta(days=1))),
        )
        names = [each[0] for each in found.description]
        rows = found.fetchall()
        columns = list(zip(*rows, strict=True)) if rows else [() for _ in names]
        arrived = pa.table({n: list(c) for n, c in zip(names, columns, strict=True)})
        connection.register("arrived", arrived)
        like = "household" if name == "changed" else None
        typed = f"select * from {like} where false union all by name " if like else ""
        connection.execute(f"create temp table {name} as {typed} select * from arrived")
        connection.unregister("arrived")
    crm.close()


def _tables(instance: Instance) -> list[Path]:
    return [path for path in instance.batches.iterdir() if path.is_dir()]


def _open(build: Path, memory: str, threads: int, spill: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(build))
    connection.execute(f"set memory_limit = '{memory}'; set threads = {threads}")
    connection.execute(f"set temp_directory = '{spill}'; set preserve_insertion_order = false")
    return connection


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Do what the command line names."""
    what, folder, day, result = sys.argv[1:]
    from benchmarks.nightly.place import Place

    place = Place(Path(folder))
    if what == "state":
        make_state(place.instance, place.floor, place.instance.memory_limit, place.spill)
        return
    on = dt.date.fromisoformat(day)
    taken = run_night(place.instance, place.floor, on, place.instance.memory_limit, place.spill)
    Path(result).write_text(json.dumps(taken))


if __name__ == "__main__":
    main()
