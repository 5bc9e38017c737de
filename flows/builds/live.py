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


def release_of(ledger: Ledger, build_id: str) -> str:
    """Return the version of the code that made a build."""
    row = ledger.row(sa.select(builds.c.release).where(builds.c.build_id == build_id))
    return str(row["release"]) if row else "unknown"


def manifest_of_live(instance: Instance) -> Path | None:
    """Return dbt's manifest of what is live, or None where there is none."""
    build_id = current(instance)
    path = manifest_of(instance, build_id) if build_id else None
    return path if path is not None and path.is_file() else None


def publish(
    instance: Instance, ledger: Ledger, build_id: str, instead_of: str | None = None
) -> None:
    """Point live at a build and write it down.

    Args:
        instance: whose live.
        ledger: where it is written down.
        build_id: what is published.
        instead_of: what must be live until then, where that matters.

    Raises:
        CannotPublish: when the build is not there, or something else went live meanwhile.
    """
    replaced = current(instance)
    _swap(instance, ledger, build_id, instead_of or replaced, "publish")


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
    _swap(instance, ledger, earlier, now_live, "roll back")
    return now_live, earlier


def repair(instance: Instance, ledger: Ledger) -> str | None:
    """Bring the ledger up to the link after a crash between the two; say what was done."""
    now_live = current(instance)
    if now_live is None:
        return None
    last = ledger.row(sa.select(publications).order_by(publications.c.id.desc()))
    if last is not None and last["build_id"] == now_live:
        return None
    with ledger.write() as connection:
        # What had been replaced and is live again was rolled back to. After a roll back the same
        # look means the way forward again.
        back = (
            last is not None
            and last["replaced_build_id"] == now_live
            and last["kind"] != "roll back"
        )
        kind = "roll back" if back else "repaired"
        _write_down(connection, now_live, last["build_id"] if last else None, kind)
    return f"Live points to {now_live}, which the ledger did not know: written down now."


def _swap(
    instance: Instance, ledger: Ledger, build_id: str, instead_of: str | None, kind: str
) -> None:
    """Compare and swap: the link moves within the transaction that writes it down.

    Of two that swap at once the second fails, at the number of its publication. After a crash
    between the link and the end of the transaction the link counts, and `repair` writes it down.
    """
    target = path_of(instance, build_id)
    if not target.is_file():
        raise CannotPublish(
            f"The build {build_id} is not at {target}: it was removed. Run its date again."
        )
    last = ledger.row(sa.select(publications.c.id).order_by(publications.c.id.desc()))
    try:
        with ledger.write() as connection:
            number = (last["id"] if last else 0) + 1
            _write_down(connection, build_id, instead_of, kind, number)
            if current(instance) != instead_of:
                raise CannotPublish(
                    f"Live is {current(instance)} and no longer {instead_of}: {build_id} was made "
                    "to replace that one. Begin again."
                )
            _point(instance, target)
    except sa.exc.IntegrityError:
        raise CannotPublish(
            f"Somebody else moved live while {build_id} was published. See: scv status"
        ) from None


def _point(instance: Instance, target: Path) -> None:
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


def _write_down(
    connection: sa.Connection,
    build_id: str,
    replaced: str | None,
    kind: str,
    number: int | None = None,
) -> None:
    told = {"build_id": build_id, "replaced_build_id": replaced, "kind": kind}
    numbered = {} if number is None else {"id": number}
    connection.execute(sa.insert(publications).values(published_at=now(), **told, **numbered))
    _move_on(connection, build_id, "published")
    if kind == "roll back":
        _move_on(connection, replaced, "rolled back")


def _move_on(connection: sa.Connection, build_id: str | None, state: str) -> None:
    connection.execute(sa.update(builds).where(builds.c.build_id == build_id).values(state=state))
