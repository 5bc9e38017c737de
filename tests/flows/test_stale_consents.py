"""Without tonight's consents a no still counts, and nobody turns contactable.

A real night of 2017-11-22 on which the client unblocks a household that had agreed to e-mail.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from flows.settings import Instance
from tests.conftest import Answer
from tests.flows.spoiling import DAY, manifest_of, tell

Scv = Callable[..., Answer]
BLOCKED = """
    select customer_id from marts.single_customer_view
    where suppression_reason = 'blocked by the client'
        and opt_in_global and allow_email and email_deliverable
    order by customer_id
"""


@pytest.fixture(autouse=True)
def _server(prefect_server: None) -> None:
    """The test runs the flow."""


def contactable(instance: Instance) -> dict[int, tuple[object, ...]]:
    """Of each customer of live: on which channels it may be written to, and why not."""
    query = (
        "select customer_id, contactable_email, contactable_sms, contactable_direct_mail, "
        "suppression_reason from marts.single_customer_view"
    )
    with duckdb.connect(str(instance.live), read_only=True) as connection:
        return {row[0]: row[1:] for row in connection.execute(query).fetchall()}


def unblock(instance: Instance, folder: Path, customer: int) -> None:
    """Let the CRM unblock a household on the day."""
    crm = instance.deliveries / "crm.sqlite"
    with sqlite3.connect(crm) as connection:
        names = [row[1] for row in connection.execute("pragma table_info(households)")]
        values = {"is_blocked": "0", "updated_at": f"'{DAY} 12:00:00'"}
        picked = ", ".join(values.get(name, name) for name in names)
        connection.execute(
            f"insert into households select {picked} from households where household_id = ? "
            "order by updated_at desc limit 1",
            [customer],
        )
    rows = {entry["table"]: entry["rows"] for entry in manifest_of(folder)["tables"]}
    tell(folder, "households", rows=rows["households"] + 1)


def test_nobody_turns_contactable_until_the_consents_have_come(
    delivered: Path, instance: Instance, scv: Scv
) -> None:
    before = contactable(instance)
    with duckdb.connect(str(instance.live), read_only=True) as connection:
        customer = int(connection.execute(BLOCKED).fetchall()[0][0])
    unblock(instance, delivered, customer)
    (delivered / "consents.jsonl").rename(delivered / "kept")

    assert scv("run", str(DAY)).code == 0
    stale = contactable(instance)
    assert stale[customer] == (False, False, False, "consents are stale")
    turned = {
        one
        for one, flags in stale.items()
        for was, now in zip(before.get(one, (False,) * 3)[:3], flags[:3], strict=True)
        if now and not was
    }
    assert turned == set()
    assert sum(any(flags[:3]) for flags in stale.values()) > 1000

    (delivered / "kept").rename(delivered / "consents.jsonl")
    assert scv("run", str(DAY)).code == 0
    assert contactable(instance)[customer][0] is True
