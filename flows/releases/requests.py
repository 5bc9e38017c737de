"""Which change requests a release brings: held against what differs, and kept with its deploy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import sqlalchemy as sa

from flows.comparison.expected import Request, released
from flows.ledger import Ledger, Row, deploys, released_requests
from flows.releases.deploys import Deploy
from flows.releases.worktrees import Release

FOLDER = Path("docs", "requests")


def between(before: Release, release: Release) -> dict[str, Request]:
    """Return the requests that are in a release and were not in the one before, by file name.

    Raises:
        RequestWrong: when one of them cannot be read.
    """
    return released(release.folder / FOLDER, before.folder / FOLDER)


def write_down(run: Deploy, requests: Mapping[str, Request]) -> None:
    """Keep with a deploy which requests it brings, instead of what was kept of it before."""
    of_this = released_requests.c.deploy_id == run.deploy_id
    rows = [
        {
            "deploy_id": run.deploy_id,
            "request": Path(name).stem,
            "title": request.title or Path(name).stem,
            "asked_by": request.asked_by,
        }
        for name, request in requests.items()
    ]
    with run.ledger.write() as connection:
        connection.execute(sa.delete(released_requests).where(of_this))
        if rows:
            connection.execute(sa.insert(released_requests), rows)


def of_deploy(ledger: Ledger, deploy_id: int) -> list[Row]:
    """Return the requests of a deploy: request, title, asked_by."""
    query = sa.select(released_requests).where(released_requests.c.deploy_id == deploy_id)
    return ledger.rows(query.order_by(released_requests.c.request))


def changelog(ledger: Ledger, instance: str) -> str:
    """Return what went live on an instance and when, as Markdown, the newest first."""
    query = sa.select(deploys).where(deploys.c.state == "published")
    lines = [f"# What went live on {instance}"]
    for row in ledger.rows(query.order_by(deploys.c.id.desc())):
        began = row["started_at"]
        lines += ["", f"## {began:%Y-%m-%d}: {row['release']}, as {row['candidate_id']}", ""]
        lines += [_line(each) for each in of_deploy(ledger, row["id"])] or ["- No change request."]
    return "\n".join(lines) + "\n"


def _line(request: Row) -> str:
    asked = f" (asked for by {request['asked_by']})" if request["asked_by"] else ""
    return f"- {request['request']}: {request['title']}{asked}"
