"""A corrected delivery is another input: the date runs again, with the rows that were let in.

Until then the customer whose row was set aside has a flag that says so.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import sqlalchemy as sa

from flows.contracts.files import read_contracts
from flows.ledger import Ledger, builds, deliveries
from flows.settings import Instance
from tests.conftest import Answer
from tests.flows.spoiling import DAY, content, newest, rewrite, with_value

WHY = ("--who", "Ada", "--why", "the tills say so")
FLAGGED = "select client_customer_id, dq_flags from marts.single_customer_view where dq_flags <> ''"
# The customer that a record of the client is now, by the client's number of that.
WHOSE = """
    select identity.client_customer_id
    from marts.customer_records as records
    inner join marts.customer_identity as identity using (customer_id)
    where records.client_customer_id = ?
"""


def asked(instance: Instance, query: str, *values: str) -> list[tuple[str, ...]]:
    """What live answers."""
    with duckdb.connect(str(instance.live), read_only=True) as connection:
        return connection.execute(query, values).fetchall()


def test_a_date_runs_again_once_its_rows_are_corrected(
    prefect_server: None,
    instance: Instance,
    ledger: Ledger,
    delivered: Path,
    scv: Callable[..., Answer],
    tmp_path: Path,
) -> None:
    rewrite(delivered, "transactions", with_value("quantity", "several"))
    assert scv("run", str(DAY)).code == 0
    assert newest(ledger, "transactions")["rows_quarantined"] == 1
    header, spoilt = content(delivered, "transactions").decode().splitlines()[:2]
    household = spoilt.split(",")[header.split(",").index("household_id")]
    [(customer,)] = asked(instance, WHOSE, household)
    assert asked(instance, FLAGGED) == [(customer, "transactions.quantity is not a bigint")]
    assert "transactions" in scv("quarantine").out
    path = tmp_path / "aside.csv"
    assert scv("quarantine", "export", "transactions", str(DAY), str(path)).code == 0
    path.write_text(path.read_text().replace("several", "2"))
    assert scv("quarantine", "correct", "transactions", str(DAY), str(path), *WHY).code == 0
    assert scv("run", str(DAY)).code == 0
    assert asked(instance, FLAGGED) == []
    held = newest(ledger, "transactions")
    assert (held["version"], held["rows_quarantined"]) == (2, 0)
    assert held["rows_accepted"] == held["rows_delivered"]
    made = ledger.rows(sa.select(builds).where(builds.c.business_date == DAY))
    assert len({build["inputs"] for build in made}) == 2
    assert sorted(build["state"] for build in made)[-1] == "published"
    received = ledger.rows(sa.select(deliveries).where(deliveries.c.business_date == DAY))
    assert len(received) == len(read_contracts()) + 1
    assert "Nothing is set aside" in scv("quarantine").out
