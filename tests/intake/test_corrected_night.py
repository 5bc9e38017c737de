"""A corrected delivery is another input: the date runs again, with the rows that were let in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from flows.contracts.files import read_contracts
from flows.ledger import Ledger, builds, deliveries
from tests.conftest import Answer
from tests.flows.spoiling import DAY, newest, rewrite, with_value

WHY = ("--who", "Ada", "--why", "the tills say so")


def test_a_date_runs_again_once_its_rows_are_corrected(
    prefect_server: None,
    ledger: Ledger,
    delivered: Path,
    scv: Callable[..., Answer],
    tmp_path: Path,
) -> None:
    rewrite(delivered, "transactions", with_value("quantity", "several"))
    assert scv("run", str(DAY)).code == 0
    assert newest(ledger, "transactions")["rows_quarantined"] == 1
    assert "transactions" in scv("quarantine").out
    path = tmp_path / "aside.csv"
    assert scv("quarantine", "export", "transactions", str(DAY), str(path)).code == 0
    path.write_text(path.read_text().replace("several", "2"))
    assert scv("quarantine", "correct", "transactions", str(DAY), str(path), *WHY).code == 0
    assert scv("run", str(DAY)).code == 0
    held = newest(ledger, "transactions")
    assert (held["version"], held["rows_quarantined"]) == (2, 0)
    assert held["rows_accepted"] == held["rows_delivered"]
    made = ledger.rows(sa.select(builds).where(builds.c.business_date == DAY))
    assert len({build["inputs"] for build in made}) == 2
    assert sorted(build["state"] for build in made)[-1] == "published"
    received = ledger.rows(sa.select(deliveries).where(deliveries.c.business_date == DAY))
    assert len(received) == len(read_contracts()) + 1
    assert "Nothing is set aside" in scv("quarantine").out
