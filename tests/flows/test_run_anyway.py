"""Where nothing may be built, the campaigns marked run_anyway go on, and a no of today counts.

The night of 2017-11-28, a Tuesday on which store_news_email is due, with sales that are no sales.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import sqlalchemy as sa

from demo.delivery import Client
from flows.builds import live
from flows.contracts.files import read_contracts
from flows.ledger import Ledger, occurrences
from flows.settings import Instance
from tests.conftest import Answer
from tests.flows.spoiling import Live, builds_of, manifest_of, night_of, put, rewrite, sent_on

Scv = Callable[..., Answer]
TUESDAY = dt.date(2017, 11, 28)
CAMPAIGN = "store_news_email"


def contactable(instance: Instance) -> list[int]:
    """Households to which an e-mail may go, by what is live."""
    with duckdb.connect(str(instance.live), read_only=True) as connection:
        found = connection.execute(
            "select customer_id from marts.single_customer_view where contactable_email "
            "and lifecycle_stage in ('new', 'active', 'reactivated') order by 1"
        ).fetchall()
    return [int(row[0]) for row in found]


def forget_the_database(folder: Path) -> None:
    """Let the manifest count files only: the days before were skipped, and the CRM tells of all."""
    told = manifest_of(folder)
    told["tables"] = [table for table in told["tables"] if "database" not in table]
    (folder / "manifest.json").write_text(json.dumps(told))


def no_more(folder: Path, households: list[int]) -> None:
    """Let these households say no on the day."""
    lines = [
        json.dumps(
            {
                "household_id": household,
                "channel": "email",
                "status": "opt_out",
                "event_at": f"{TUESDAY}T23:00:00Z",
                "capture_source": "service_desk",
            }
        )
        for household in households
    ]
    rewrite(folder, "consents", lambda raw: raw + "".join(f"{e}\n" for e in lines).encode())


def written_to(path: Path) -> set[int]:
    with path.open(newline="") as file:
        return {int(row["customer_id"]) for row in csv.DictReader(file)}


def test_run_anyway_goes_on_with_yesterdays_view_and_todays_no_and_is_sent_once(
    instance: Instance, ledger: Ledger, scv: Scv, prefect_server: None
) -> None:
    client = Client(instance.outbox)
    client.deliver(TUESDAY, False, instance.deliveries)
    folder = instance.deliveries / str(TUESDAY)
    forget_the_database(folder)
    good = {path.name: path.read_bytes() for path in folder.iterdir()}
    before, wanted = Live.of(instance), contactable(instance)
    refused = wanted[::2]
    no_more(folder, refused)
    with_the_no = (folder / "consents.jsonl").read_bytes()
    put(folder, "transactions", b"no gzip at all", 1)

    answer = scv("run", str(TUESDAY))

    assert answer.code == 1
    assert f"{CAMPAIGN} went out anyway." in answer.err
    assert "live stays as it was" in answer.err
    assert Live.of(instance) == before
    assert night_of(ledger, TUESDAY)["state"] == "stopped"
    assert builds_of(ledger, TUESDAY) == {f"{TUESDAY}-01": "built"}
    assert sent_on(ledger, TUESDAY) == {CAMPAIGN: "sent"}
    file = instance.outbox / "email" / f"{CAMPAIGN}__{TUESDAY}.csv"
    gone, first = file.stat(), written_to(file)
    assert len(first & set(wanted)) > 20
    assert first.isdisjoint(refused)

    # The sales come; whoever said no today has done so.
    for name in ("transactions.csv.gz", "manifest.json"):
        (folder / name).unlink()
        (folder / name).write_bytes(good[name])
    put(folder, "consents", with_the_no, len(with_the_no.splitlines()))
    answer = scv("run", str(TUESDAY))

    assert answer.code == 0, answer.err
    assert live.current(instance) == f"{TUESDAY}-02"
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (gone.st_ino, gone.st_mtime_ns)
    row = ledger.row(
        sa.select(occurrences).where(
            occurrences.c.campaign_id == CAMPAIGN, occurrences.c.business_date == TUESDAY
        )
    )
    assert row is not None
    assert (row["build_id"], row["state"]) == (f"{TUESDAY}-01", "sent")
    sent = sent_on(ledger, TUESDAY)
    assert len(sent) > 1
    others = [instance.outbox / "email" / f"{each}__{TUESDAY}.csv" for each in sent]
    for other in others:
        if other != file and other.exists():
            assert written_to(other).isdisjoint(first)


def test_the_contracts_of_the_demo_let_nothing_else_than_wrong_rows_hold_every_build() -> None:
    decided = {name: each.policy("missing") for name, each in read_contracts().items()}
    assert {name for name, policy in decided.items() if policy == "hold_all"} == {"dispatches"}
