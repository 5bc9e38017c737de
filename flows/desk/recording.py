"""What went live, written from the ledger into the requests: the project outlives a warehouse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from flows.desk.store import ACCEPTED, Desk, in_order
from flows.desk.written import written
from flows.ledger import Ledger, Row, deploys, released_requests
from flows.releases.deploys import decision_on


def record(ledger: Ledger, instance: str, accepted: Path = ACCEPTED) -> list[str]:
    """Add the deploys of an instance to the requests that they brought; return the files changed.

    Doing it twice adds nothing.
    """
    changed = []
    for document in Desk(accepted / "none", accepted).documents():
        known = list(document.content.get("released") or ())
        told = {(each["instance"], each["build"]) for each in known}
        new = [
            each
            for each in (_deploy(ledger, row, instance) for row in _deploys(ledger, document.path))
            if (each["instance"], each["build"]) not in told
        ]
        if new:
            document.path.write_text(
                written(in_order({**document.content, "released": [*known, *new]}))
            )
            changed.append(f"docs/requests/{document.path.name}")
    return changed


def _deploys(ledger: Ledger, path: Path) -> list[Row]:
    query = (
        sa.select(deploys)
        .join(released_requests, released_requests.c.deploy_id == deploys.c.id)
        .where(released_requests.c.request == path.stem, deploys.c.state == "published")
        .order_by(deploys.c.id)
    )
    return ledger.rows(query)


def _deploy(ledger: Ledger, row: Row, instance: str) -> dict[str, Any]:
    decided = decision_on(ledger, row["report_hash"]) if row["report_hash"] else None
    by = decided["who"] if decided and decided["decision"] == "approved" else ""
    return {
        "instance": instance,
        "commit": row["release"],
        "business_date": row["business_date"],
        "at": row["ended_at"].replace(microsecond=0),
        "build": row["candidate_id"],
        "comparison": row["report_hash"],
        **({"approved_by": by} if by else {}),
    }
