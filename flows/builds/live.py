"""Live is a symbolic link to one build. Publishing replaces the link, in one step of the kernel.

Readers that have the old build open keep it; who opens live next sees the new one. Nothing ever
writes to a published file.
"""

from __future__ import annotations

import os
from pathlib import Path

import sqlalchemy as sa

from flows.errors import CannotPublish, NothingPublished
from flows.ledger import Ledger, builds, now, publications
from flows.settings import Instance


def path_of(instance: Instance, build_id: str) -> Path:
    """Return the file of a build."""
    return instance.builds / f"{build_id}.duckdb"


def manifest_of(instance: Instance, build_id: str) -> Path:
    """Return dbt's manifest of a build: its graph, with the SQL as it ran."""
    return instance.builds / f"{build_id}.manifest.json"


def batches_of(instance: Instance, build_id: str) -> Path:
    """Return the list of the batches that a build was made of."""
    return instance.builds / f"{build_id}.batches.json"


def current(instance: Instance) -> str | None:
    """Return the id of the build that live points to, or None before the first."""
    return instance.live.readlink().stem if instance.live.is_symlink() else None


def current_or_stop(instance: Instance) -> str:
    """Return the id of the build that live points to.

    Raises:
        NothingPublished: before the first night.
    """
    build_id = current(instance)
    if build_id is None:
        raise NothingPublished("Nothing is published yet. Start with: make run")
    return build_id


def manifest_of_live(instance: Instance) -> Path | None:
    """Return dbt's manifest of what is live, or None where there is none."""
    build_id = current(instance)
    path = manifest_of(instance, build_id) if build_id else None
    return path if path is not None and path.is_file() else None


def publish(instance: Instance, ledger: Ledger, build_id: str) -> None:
    """Point live at a build and write it down.

    Raises:
        CannotPublish: when the build is not there.
    """
    replaced = current(instance)
    _point(instance, build_id)
    _write_down(ledger, build_id, replaced, "publish")


def roll_back(instance: Instance, ledger: Ledger) -> tuple[str, str]:
    """Point live at the build it pointed to before; return (from, to).

    Raises:
        NothingPublished: before the first night.
        CannotPublish: when there is no earlier build, or its file is gone.
    """
    now_live = current_or_stop(instance)
    query = (
        sa.select(publications.c.replaced_build_id)
        .where(publications.c.build_id == now_live, publications.c.kind != "roll back")
        .order_by(publications.c.id.desc())
    )
    earlier = (ledger.row(query) or {}).get("replaced_build_id")
    if earlier is None:
        raise CannotPublish(f"{now_live} is the first build: there is none to roll back to.")
    _point(instance, earlier)
    with ledger.write() as connection:
        connection.execute(
            sa.update(builds).where(builds.c.build_id == now_live).values(state="rolled back")
        )
    _write_down(ledger, earlier, now_live, "roll back")
    return now_live, earlier


def repair(instance: Instance, ledger: Ledger) -> str | None:
    """Bring the ledger up to the link after a crash between the two; say what was done."""
    now_live = current(instance)
    if now_live is None:
        return None
    last = ledger.row(sa.select(publications).order_by(publications.c.id.desc()))
    if last is not None and last["build_id"] == now_live:
        return None
    _write_down(ledger, now_live, last["build_id"] if last else None, "repaired")
    return f"Live points to {now_live}, which the ledger did not know: written down now."


def _point(instance: Instance, build_id: str) -> None:
    target = path_of(instance, build_id)
    if not target.is_file():
        raise CannotPublish(
            f"The build {build_id} is not at {target}: it was removed. Run its date again."
        )
    arriving = instance.live.with_name(".live.duckdb")
    arriving.unlink(missing_ok=True)
    arriving.symlink_to(target.relative_to(instance.live.parent))
    arriving.replace(instance.live)
    _sync(instance.live.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_down(ledger: Ledger, build_id: str, replaced: str | None, kind: str) -> None:
    with ledger.write() as connection:
        connection.execute(
            sa.insert(publications).values(
                build_id=build_id, replaced_build_id=replaced, kind=kind, published_at=now()
            )
        )
        connection.execute(
            sa.update(builds).where(builds.c.build_id == build_id).values(state="published")
        )
