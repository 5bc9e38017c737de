"""The same day once more: a late file, a corrected one, while it is sent, and twice.

Real nights of 2017-11-22; the campaign of coupon lovers reads the coupons, the others do not.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from demo.client import Client
from flows import slots
from flows.builds import live
from flows.ledger import Ledger
from flows.settings import PROJECT, Instance
from tests.conftest import Answer
from tests.flows.spoiling import DAY, builds_of, newest, rewrite, sent_on, with_value

Scv = Callable[..., Answer]
HELD = "coupon_lovers_email"


@pytest.fixture(autouse=True)
def _server(prefect_server: None) -> None:
    """Every test here runs the flow."""


def files(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return inode and time of the last change of every file below a folder."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def test_what_came_late_goes_in_and_what_was_held_goes_out_and_nothing_else(
    delivered: Path, instance: Instance, ledger: Ledger, scv: Scv
) -> None:
    (delivered / "coupon_redemptions.jsonl").unlink()
    assert scv("run", str(DAY)).code == 0
    assert HELD not in sent_on(ledger)
    gone, sales = files(instance.outbox), newest(ledger, "transactions")
    Client(instance.outbox).deliver(DAY, False, instance.deliveries)
    # The sales are corrected too, and nobody asks for them: they stay as they were pinned.
    rewrite(instance.deliveries / str(DAY), "transactions", with_value("sales_value", "3.33"))

    answer = scv("rerun", str(DAY), "--table", "coupon_redemptions")

    assert answer.code == 0, answer.err
    assert builds_of(ledger) == {f"{DAY}-01": "published", f"{DAY}-02": "published"}
    assert live.current(instance) == f"{DAY}-02"
    assert sent_on(ledger)[HELD] == "sent"
    assert newest(ledger, "transactions") == sales
    new = {path.name for path in files(instance.outbox).items() - gone.items() for path in path[:1]}
    file = f"{HELD}__{DAY}.csv"
    assert new == {file, f"{file}.receipt.parquet", f"manifest__{DAY}.json"}
    page = instance.reports / "comparisons" / f"{DAY}-02.html"
    assert "coupon" in page.read_text()

    before, built = files(instance.outbox / "email"), files(instance.builds)
    again = scv("rerun", str(DAY), "--table", "coupon_redemptions")

    assert again.code == 0, again.err
    assert files(instance.builds) == built
    changed = {path for path, _ in files(instance.outbox / "email").items() ^ before.items()}
    assert changed <= {instance.outbox / "email" / f"manifest__{DAY}.json"}


def test_a_corrected_file_is_a_new_version_in_a_new_build_and_nobody_is_written_to_twice(
    delivered: Path, instance: Instance, ledger: Ledger, scv: Scv
) -> None:
    assert scv("run", str(DAY)).code == 0
    sent = sent_on(ledger)
    rewrite(delivered, "transactions", with_value("sales_value", "3.33"))

    answer = scv("rerun", str(DAY))

    assert answer.code == 0, answer.err
    assert newest(ledger, "transactions")["version"] == 2
    assert live.current(instance) == f"{DAY}-02"
    assert sent_on(ledger) == sent
    assert "0 campaigns sent that were held" in answer.out


def test_it_waits_while_another_batch_has_the_instance(instance: Instance, ledger: Ledger) -> None:
    from prefect.settings import PREFECT_API_URL

    told = {"PREFECT_API_URL": str(PREFECT_API_URL.value()), "SCV_LOOK_EVERY_SECONDS": "1"}
    with slots.hold(instance, ledger, "sending"):
        rerun = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "rerun", "2017-11-21"],
            cwd=PROJECT,
            env=os.environ | told,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert rerun.stdout is not None
        said = next(line for line in rerun.stdout if "Waiting" in line)
        assert "sending, process" in said
    rest = rerun.stdout.read()
    assert rerun.wait() == 0, rest


def test_only_the_date_that_is_live_and_tables_that_there_are(instance: Instance, scv: Scv) -> None:
    past, unknown = scv("rerun", "2017-11-20"), scv("rerun", "2017-11-21", "--table", "coupons")
    assert (past.code, unknown.code) == (1, 2)
    assert "goes in with the next night" in past.err
    assert "There is no contract for coupons" in unknown.err
